import { Button } from '@mantine/core';
import type { DirectoryPreview } from '../../api/directories';
import { type Key, useTexts } from '../../i18n';
import { Badge, Note, type Tone } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { Panel } from '../../ui/Page';
import { Counts, Problems } from './Runs';

const TONES: Record<string, Tone> = { 'address-ended': 'warn', 'address-given': 'info', adopt: 'info', change: 'info', create: 'good', disable: 'bad', enable: 'good' };

/** What a run would do, before anything changes. */
export function Preview({ preview, onClose }: { preview: DirectoryPreview; onClose?: () => void }) {
  const { t, n, number } = useTexts();
  const { run } = preview;
  return (
    <Panel title={t('directories.previewTitle')} lead={t('directories.previewLead', { entries: number(run.counts.entries) })} actions={onClose && <Button variant="default" onClick={onClose}>{t('form.close')}</Button>} flush>
      <div style={{ padding: '0 18px 10px' }}>
        {run.outcome === 'failed' ? <Note tone="bad" alert>{run.detail}</Note> : <Counts run={run} />}
        {run.outcome === 'held-back' && <Note tone="warn">{n('directories.heldText', run.counts.disabled)}</Note>}
      </div>
      {preview.planned.length > 0 && (
        <DataTable
          label={t('directories.previewTitle')}
          rows={preview.planned.map((row, i) => ({ ...row, i }))}
          rowKey={(row) => String(row.i)}
          empty={null}
          columns={[
            { title: t('accounts.userName'), header: true, cell: (row) => row.userName },
            { title: t('directories.effect'), cell: (row) => <Badge tone={TONES[row.kind] ?? 'plain'}>{t(`directories.planned.${row.kind}` as Key)}</Badge> },
            { title: t('directories.detail'), cell: (row) => row.detail },
          ]}
        />
      )}
      {preview.plannedTotal > preview.planned.length && <p className="muted" style={{ padding: '0 18px' }}>{n('directories.moreProblems', preview.plannedTotal - preview.planned.length)}</p>}
      {run.problems.length > 0 && (
        <div style={{ padding: '10px 0 0' }}>
          <div style={{ padding: '0 18px' }}><Note tone="warn">{n('directories.problemCount', run.problemsTotal)}</Note></div>
          <Problems problems={run.problems} total={run.problemsTotal} />
        </div>
      )}
    </Panel>
  );
}
