import { Button, Select, Textarea } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { addVersion, type Preview, previewDraft, readySetsQuery, type RetentionPolicy, retentionQuery, type RetentionVersion, type SetDraft } from '../../api/retention';
import { paths } from '../../app/paths';
import { Failure } from '../../components/Failure';
import { LinkButton } from '../../components/LinkButton';
import { problemText } from '../../components/problem';
import { useSay } from '../../hooks/useSay';
import { useTexts } from '../../i18n';
import { Note } from '../../ui/Badge';
import { DateField } from '../../ui/DateField';
import { today } from '../../ui/days';
import { IconArrowLeft } from '../../ui/icons';
import { Page, Panel } from '../../ui/Page';
import { DraftPolicies } from './DraftPolicies';
import { Effect } from './Effect';
import classes from './Retention.module.css';

const REASON_LENGTH_MIN = 5;

/** A new version of the policies: written, then its effect looked at, then saved. */
export function DraftPage() {
  const { t } = useTexts();
  const { data, error, refetch } = useQuery(retentionQuery);
  const back = <LinkButton to={paths.retention} variant="subtle" size="compact-xs" leftSection={<IconArrowLeft size={14} aria-hidden />}>{t('retention.title')}</LinkButton>;
  if (error && !data) return <Page title={t('retention.newTitle')} back={back}><Failure error={error} retry={() => void refetch()} /></Page>;
  const last = data?.versions[0];
  return <Page title={t('retention.newTitle')} back={back}>{data ? <Editor last={last} zones={data.zones} /> : <Panel title="…">…</Panel>}</Page>;
}

function Editor({ last, zones }: { last: RetentionVersion | undefined; zones: readonly string[] }) {
  const texts = useTexts();
  const { t } = texts;
  const say = useSay();
  const navigate = useNavigate();
  const client = useQueryClient();
  const [policies, setPolicies] = useState<RetentionPolicy[]>(last?.policies ?? []);
  const [head, setHead] = useState({ zone: last?.zone ?? 'Europe/Berlin', validFrom: today(), reason: '' });
  const [seen, setSeen] = useState<{ key: string; preview: Preview } | null>(null);
  const draft: SetDraft = { ...head, reason: head.reason.trim(), policies };
  // The reason changes nothing about the effect.
  const key = JSON.stringify({ ...draft, reason: '' });
  const shown = seen?.key === key ? seen.preview : null;
  const look = useMutation({ mutationFn: () => previewDraft({ ...draft, reason: draft.reason || t('retention.preview') }), onSuccess: (preview) => setSeen({ key, preview }) });
  const save = useMutation({
    mutationFn: () => addVersion(draft),
    onSuccess: () => {
      say(t('retention.saved'), { color: 'green' });
      void client.invalidateQueries({ queryKey: ['retention'] });
      void navigate({ to: paths.retention });
    },
  });
  const take = (more: readonly RetentionPolicy[]) => {
    const names = policies.map((policy) => policy.name);
    setPolicies([...policies, ...more.filter((policy) => !names.includes(policy.name))]);
    say(t('retention.taken'), { color: 'green' });
  };
  const reasoned = draft.reason.length >= REASON_LENGTH_MIN;
  const failed = look.error ?? save.error;
  return (
    <>
      <ReadySets onTake={take} />
      <DraftPolicies policies={policies} onChange={setPolicies} />
      <Panel title={t('retention.draft')}>
        <div className={classes.grid}>
          <DateField size="sm" label={t('retention.validFrom')} min={today()} value={head.validFrom} onChange={(validFrom) => setHead({ ...head, validFrom: validFrom || today() })} />
          <Select size="sm" searchable label={t('retention.zone')} description={t('retention.zoneHint')} allowDeselect={false} value={head.zone} onChange={(zone) => setHead({ ...head, zone: zone ?? head.zone })} data={[...new Set([head.zone, ...zones])].sort()} />
          <Textarea className={classes.wide} size="sm" label={t('retention.reason')} description={t('retention.reasonHint')} rows={2} maxLength={2_000} value={head.reason} onChange={(event) => setHead({ ...head, reason: event.currentTarget.value })} />
        </div>
      </Panel>
      <Panel title={t('retention.preview')} lead={t('retention.previewLead')} actions={<Button variant={shown ? 'default' : 'filled'} disabled={policies.length === 0} loading={look.isPending} onClick={() => look.mutate()}>{t('retention.previewNow')}</Button>}>
        <div aria-live="polite">{shown ? <Effect preview={shown} /> : <p className="muted">{t('retention.notPreviewed')}</p>}</div>
      </Panel>
      {failed && <div style={{ marginTop: 12 }}><Note tone="bad" alert>{problemText(failed, texts)}</Note></div>}
      <div className={classes.bar}>
        <Button size="sm" disabled={!shown || !reasoned} loading={save.isPending} onClick={() => save.mutate()}>{t('retention.save')}</Button>
        <LinkButton variant="default" size="sm" to={paths.retention}>{t('form.cancel')}</LinkButton>
        {!shown ? <span className="muted">{t('retention.notPreviewed')}</span> : !reasoned && <span className="muted">{t('release.reasonShort')}</span>}
      </div>
    </>
  );
}

/** Proposals that follow a law; taking one over only fills the draft. */
function ReadySets({ onTake }: { onTake: (policies: readonly RetentionPolicy[]) => void }) {
  const { t, n, language } = useTexts();
  const { data } = useQuery(readySetsQuery(language));
  return (
    <Panel title={t('retention.readySets')} lead={t('retention.readyText')}>
      <ul className={classes.sets}>
        {data?.map((set) => (
          <li key={set.id} className={classes.set}>
            <div>
              <div className={classes.name}>{set.title}</div>
              <div className="muted">{set.note}</div>
            </div>
            <Button variant="default" aria-label={`${t('retention.take')}: ${set.title}`} title={n('retention.policyCount', set.policies.length)} onClick={() => onTake(set.policies)}>{t('retention.take')}</Button>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
