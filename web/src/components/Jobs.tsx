import { Button, Progress } from '@mantine/core';
import type { Job } from '../api/tenancy';
import { type Key, useTexts } from '../i18n';
import { Badge, type Tone } from '../ui/Badge';
import { DataTable } from '../ui/DataTable';

const TONES: Record<string, Tone> = { cancelled: 'plain', done: 'good', failed: 'bad', interrupted: 'warn', running: 'info' };

/** Long work: how far it is, and what came of it. */
export function Jobs({ jobs, onCancel }: { jobs: readonly Job[]; onCancel?: (job: Job) => void }) {
  const { t, number, stamp } = useTexts();
  const named = (key: Key, code: string) => (t(key) === key ? code : t(key));
  return (
    <DataTable
      label={t('jobs.title')}
      rows={jobs}
      rowKey={(job) => job.id}
      empty={null}
      columns={[
        { title: t('jobs.kind'), header: true, cell: (job) => named(`jobs.kind.${job.kind}` as Key, job.kind) },
        { title: t('jobs.state'), cell: (job) => <Badge tone={TONES[job.state] ?? 'plain'}>{named(`jobs.state.${job.state}` as Key, job.state)}</Badge> },
        {
          title: t('jobs.progress'),
          cell: (job) => (
            <div>
              <span className="tabular">{job.total > 0 ? t('jobs.of', { done: number(job.done), total: number(job.total) }) : number(job.done)}</span>
              {job.state === 'running' && job.total > 0 && <Progress mt={4} value={(job.done / job.total) * 100} aria-label={t('jobs.progress')} />}
            </div>
          ),
        },
        { title: t('jobs.by'), cell: (job) => job.by },
        { title: t('jobs.begunAt'), cell: (job) => stamp(job.begunAt) },
        { title: t('table.actions'), actions: true, cell: (job) => job.state === 'running' && onCancel && <Button variant="default" onClick={() => onCancel(job)}>{t('jobs.cancel')}</Button> },
      ]}
    />
  );
}
