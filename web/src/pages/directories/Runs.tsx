import { Button, UnstyledButton } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { type DirectoryProblem, type DirectoryRun, directoryRunsQuery } from '../../api/directories';
import { type Key, useTexts } from '../../i18n';
import { Badge, Note, type Tone } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { EmptyState } from '../../ui/EmptyState';
import { IconHistory } from '../../ui/icons';

const TONES: Record<DirectoryRun['outcome'], Tone> = { applied: 'good', failed: 'bad', 'held-back': 'warn' };
const COUNTS = ['created', 'adopted', 'changed', 'enabled', 'disabled', 'addressesGiven', 'addressesEnded', 'skipped', 'conflicts'] as const;

export function Outcome({ outcome }: { outcome: DirectoryRun['outcome'] }) {
  const { t } = useTexts();
  return <Badge tone={TONES[outcome]}>{t(`directories.outcome.${outcome}`)}</Badge>;
}

/** What a run did or would do, in words. */
export function Counts({ run }: { run: DirectoryRun }) {
  const { t, number } = useTexts();
  const some = COUNTS.filter((name) => run.counts[name] > 0);
  if (some.length === 0) return <span className="muted">{t('directories.noChange')}</span>;
  return <span>{some.map((name) => `${t(`directories.count.${name}`)} ${number(run.counts[name])}`).join(' · ')}</span>;
}

/** Entries that could not be taken over as they are. */
export function Problems({ problems, total }: { problems: readonly DirectoryProblem[]; total: number }) {
  const { t, n } = useTexts();
  const name = (code: string) => {
    const key = `directories.problem.${code}` as Key;
    return t(key) === key ? code : t(key);
  };
  return (
    <>
      <DataTable
        label={t('directories.problems')}
        rows={problems.map((problem, i) => ({ ...problem, i }))}
        rowKey={(row) => String(row.i)}
        empty={null}
        columns={[
          { title: t('directories.entry'), header: true, cell: (row) => row.entry },
          { title: t('directories.problemTitle'), cell: (row) => name(row.code) },
          { title: t('directories.detail'), cell: (row) => row.detail },
        ]}
      />
      {total > problems.length && <p className="muted">{n('directories.moreProblems', total - problems.length)}</p>}
    </>
  );
}

/** The runs of a directory, newest first; each opens to what could not be taken over. */
export function Runs({ id }: { id: string }) {
  const { t, exact, duration, number } = useTexts();
  const { data, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(directoryRunsQuery(id));
  const [opened, setOpened] = useState<string | null>(null);
  const rows = data?.pages.flatMap((page) => page.rows);
  const shown = rows?.find((run) => run.id === opened);
  return (
    <>
      <DataTable
        label={t('directories.runs')}
        rows={rows}
        rowKey={(run) => run.id}
        more={{ has: hasNextPage, busy: isFetchingNextPage, load: () => void fetchNextPage() }}
        empty={<EmptyState icon={<IconHistory size={24} />} title={t('directories.noRuns')}>{t('directories.noRunsText')}</EmptyState>}
        columns={[
          { title: t('directories.begun'), header: true, cell: (run) => exact(run.begunAt) },
          { title: t('directories.outcome'), cell: (run) => <div><Outcome outcome={run.outcome} />{run.detail && <div className="muted">{run.detail}</div>}</div> },
          { title: t('directories.trigger'), cell: (run) => `${t(`directories.trigger.${run.trigger}`)} · ${t(run.full ? 'directories.full' : 'directories.incremental')}` },
          { title: t('directories.entries'), numeric: true, cell: (run) => number(run.counts.entries) },
          { title: t('directories.changes'), cell: (run) => <Counts run={run} /> },
          { title: t('directories.duration'), numeric: true, cell: (run) => duration((new Date(run.endedAt).getTime() - new Date(run.begunAt).getTime()) / 1000) },
          { title: t('directories.problems'), numeric: true, cell: (run) => (run.problemsTotal === 0 ? '0' : <UnstyledButton className="link" aria-expanded={opened === run.id} onClick={() => setOpened(opened === run.id ? null : run.id)}>{number(run.problemsTotal)}</UnstyledButton>) },
        ]}
      />
      {shown && shown.problems.length > 0 && (
        <div style={{ padding: '12px 18px' }}>
          <Note tone="warn">{t('directories.problemsOf', { time: exact(shown.begunAt) })} <Button variant="subtle" size="compact-xs" onClick={() => setOpened(null)}>{t('form.close')}</Button></Note>
          <Problems problems={shown.problems} total={shown.problemsTotal} />
        </div>
      )}
    </>
  );
}
