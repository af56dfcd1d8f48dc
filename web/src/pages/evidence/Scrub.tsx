import { Button } from '@mantine/core';
import { beginScrub, type ScrubStatus } from '../../api/evidence';
import { useAct } from '../../hooks/useAct';
import { usePermissions } from '../../hooks/useSession';
import { useTexts } from '../../i18n';
import { Badge } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { Facts, Panel } from '../../ui/Page';

/** How far everything is read again, and what was damaged. */
export function Scrub({ status }: { status: ScrubStatus }) {
  const { t, number, bytes, relative, stamp } = useTexts();
  const begin = useAct(() => beginScrub(), { done: t('evidence.scrubBegun'), refresh: [['evidence']] });
  const may = usePermissions().includes('manage_settings');
  return (
    <Panel title={t('evidence.scrubTitle')} lead={t('evidence.scrubLead')} actions={may && <Button variant="default" disabled={status.wanted} loading={begin.isPending} onClick={() => begin.mutate()}>{t('evidence.scrubNow')}</Button>}>
      <Facts
        facts={[
          [t('evidence.scrubProgress'), status.begunAt ? t('evidence.scrubRead', { entries: number(status.entries), size: bytes(status.bytes), time: relative(status.begunAt) }) : status.wanted ? t('evidence.scrubWanted') : '–'],
          [t('evidence.scrubDone'), status.completedAt ? t('evidence.scrubDoneOf', { time: stamp(status.completedAt), size: bytes(status.completedBytes) }) : t('evidence.never')],
        ]}
      />
      {status.findings.length > 0 && (
        <div style={{ marginTop: 14 }}>
          <DataTable
            label={t('evidence.findings')}
            rows={status.findings.map((finding, i) => ({ ...finding, i }))}
            rowKey={(finding) => String(finding.i)}
            empty={null}
            columns={[
              { title: t('evidence.place'), header: true, cell: (finding) => <span className="mono">{finding.file}:{finding.offset}</span> },
              { title: t('evidence.why'), cell: (finding) => <div lang="en">{finding.why}<div className="muted">{stamp(finding.at)}</div></div> },
              { title: t('evidence.concerned'), cell: (finding) => finding.records.map((record) => <div key={record} className="mono">{record}</div>) },
              { title: t('evidence.repaired'), cell: (finding) => <Badge tone={finding.repaired ? 'good' : 'bad'}>{t(finding.repaired ? 'evidence.repaired' : 'evidence.notRepaired')}</Badge> },
            ]}
          />
        </div>
      )}
    </Panel>
  );
}
