import { Button, FileButton } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useSay } from '../../hooks/useSay';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { type AccountImport, accountExportUrl, importAccounts, previewAccounts } from '../../api/people';
import { paths } from '../../app/paths';
import { problemText } from '../../components/problem';
import { Confirm } from '../../forms/Confirm';
import { type Key, type Translator, useTexts } from '../../i18n';
import { Badge, Note, type Tone } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { useDialog } from '../../ui/Dialog';
import { IconArrowLeft, IconDownload, IconUpload } from '../../ui/icons';
import { Page, Panel } from '../../ui/Page';
import { Tile, Tiles } from '../../ui/Tile';
import { DropZone } from './DropZone';

const TONES: Record<string, Tone> = { change: 'info', create: 'good', refused: 'bad', unchanged: 'plain' };

/** A finding in words, with what it is about. */
export function findingText(finding: { code: string; detail: string }, { t }: Translator): string {
  const key = `import.finding.${finding.code}` as Key;
  return [t(key) === key ? finding.code : t(key), finding.detail].filter(Boolean).join(': ');
}

/** Accounts as a CSV file: first what each line would do, then, if every line is right, all of it. */
export function ImportPage() {
  const texts = useTexts();
  const say = useSay();
  const { t, n, number } = texts;
  const client = useQueryClient();
  const [file, setFile] = useState<File | null>(null);
  const [onlyErrors, setOnlyErrors] = useState(false);
  const confirming = useDialog<AccountImport>();
  const preview = useMutation({ mutationFn: previewAccounts });
  const choose = (chosen: File | null) => {
    if (!chosen) return;
    setFile(chosen);
    setOnlyErrors(false);
    preview.mutate(chosen, { onError: (error) => say(problemText(error, texts), { color: 'red' }) });
  };
  const back = <Button component={Link} to={paths.accounts} variant="subtle" size="compact-xs" leftSection={<IconArrowLeft size={14} aria-hidden />}>{t('accounts.title')}</Button>;
  const { data } = preview;
  const lines = data?.lines.filter((line) => !onlyErrors || line.errors.length > 0);
  return (
    <Page title={t('import.title')} back={back} lead={t('import.lead')} actions={<Button component="a" href={accountExportUrl} download variant="default" leftSection={<IconDownload size={14} aria-hidden />}>{t('import.export')}</Button>}>
      <Panel title={t('import.file')} lead={t('import.format')}>
        <DropZone onFile={choose}>
          <FileButton onChange={choose} accept=".csv,text/csv">
            {(props) => <Button {...props} variant={data ? 'default' : 'filled'} loading={preview.isPending} leftSection={<IconUpload size={14} aria-hidden />}>{t('import.choose')}</Button>}
          </FileButton>
          <span className="muted">{file ? file.name : t('import.drop')}</span>
        </DropZone>
      </Panel>
      {preview.error && <div style={{ marginTop: 12 }}><Note tone="bad" alert>{problemText(preview.error, texts)}</Note></div>}
      {data && (
        <div style={{ marginTop: 12 }} aria-live="polite">
          <Tiles>
            <Tile label={t('import.created')} value={number(data.created)} />
            <Tile label={t('import.changed')} value={number(data.changed)} note={t('import.unchangedCount', { count: number(data.unchanged) })} />
            <Tile label={t('import.refused')} value={number(data.refused)} tone={data.refused > 0 ? 'bad' : 'good'} note={data.refused > 0 ? t('import.nothing') : undefined} />
          </Tiles>
          {data.notes.map((note) => <Note key={note.code + note.detail} tone="warn">{findingText(note, texts)}</Note>)}
          <Panel
            title={t('import.preview')}
            lead={t('import.previewText')}
            actions={
              <>
                {data.refused > 0 && <Button variant="default" aria-pressed={onlyErrors} onClick={() => setOnlyErrors(!onlyErrors)}>{t(onlyErrors ? 'import.showAll' : 'import.showErrors')}</Button>}
                <Button disabled={data.refused > 0 || data.created + data.changed === 0} title={data.refused > 0 ? t('import.nothing') : undefined} onClick={() => confirming.open(data)}>{t('import.apply')}</Button>
              </>
            }
            flush
          >
            <DataTable
              label={t('import.preview')}
              rows={lines}
              rowKey={(line) => String(line.line)}
              empty={<p className="muted" style={{ padding: '0 18px 14px' }}>{t('import.noLines')}</p>}
              columns={[
                { title: t('import.line'), numeric: true, cell: (line) => number(line.line) },
                { title: t('accounts.userName'), header: true, cell: (line) => line.userName || '–' },
                { title: t('directories.effect'), cell: (line) => <Badge tone={TONES[line.effect] ?? 'plain'}>{t(`import.effect.${line.effect}` as Key)}</Badge> },
                { title: t('import.changes'), cell: (line) => line.changes.map((change) => t(`import.change.${change}` as Key)).join(', ') },
                { title: t('accounts.addresses'), cell: (line) => line.addresses.join(', ') },
                { title: t('import.findings'), cell: (line) => <>{line.errors.map((one) => <div key={one.code + one.detail}><Badge tone="bad">{t('import.error')}</Badge> {findingText(one, texts)}</div>)}{line.notes.map((one) => <div key={one.code + one.detail} className="muted">{findingText(one, texts)}</div>)}</> },
              ]}
            />
          </Panel>
        </div>
      )}
      <Confirm
        dialog={confirming}
        title={t('import.applyTitle')}
        effect={(value) => n('import.applyEffect', value.created + value.changed, { created: number(value.created), changed: number(value.changed) })}
        submit={t('import.apply')}
        send={async (value) => {
          if (file) await importAccounts(file, value.digest);
        }}
        done={t('import.done')}
        refresh={[['accounts']]}
        onDone={() => {
          preview.reset();
          setFile(null);
          void client.invalidateQueries({ queryKey: ['accounts'] });
        }}
      />
    </Page>
  );
}
