import { Alert, Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useRef, useState } from 'react';
import { addFetchSource, changeFetchSource, type FetchConfig, type FetchSource, type FetchTest, testFetchSource } from '../../api/fetch';
import { paths } from '../../app/paths';
import { LinkButton } from '../../components/LinkButton';
import { problemText } from '../../components/problem';
import { useAct } from '../../hooks/useAct';
import { useSay } from '../../hooks/useSay';
import { useTexts } from '../../i18n';
import { Panel } from '../../ui/Page';
import { type Draft, draftOf, faultsOf, type FieldsProps, inputOf } from './draft';
import classes from './Fetch.module.css';
import { MailFields, ScheduleFields } from './MailFields';
import { ServerFields } from './ServerFields';
import { SignInFields } from './SignInFields';
import { TestSteps } from './TestSteps';

/** Everything about a source on one page, with a test before it is saved. */
export function FetchForm({ source }: { source: FetchSource | null }) {
  const texts = useTexts();
  const { t } = texts;
  const navigate = useNavigate();
  const client = useQueryClient();
  const say = useSay();
  const form = useRef<HTMLFormElement>(null);
  const [draft, setDraft] = useState<Draft>(() => draftOf(source));
  const [tried, setTried] = useState(false);
  const [tested, setTested] = useState<FetchTest | null>(null);
  const faults = faultsOf(draft);
  const change = (next: (before: Draft) => Draft) => {
    setDraft(next);
    setTested(null);
  };
  const setConfig = (config: Partial<FetchConfig>) => change((before) => ({ ...before, config: { ...before.config, ...config } }));
  const props: FieldsProps = {
    draft,
    source,
    set: (values) => change((before) => ({ ...before, ...values })),
    setConfig,
    fault: (name) => {
      const key = tried ? faults[name] : undefined;
      return key && t(key);
    },
  };
  /** Shows the faults; whether there are none. */
  const check = (): boolean => {
    setTried(true);
    if (Object.keys(faults).length === 0) return true;
    requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
    return false;
  };
  const test = useAct(() => testFetchSource({ ...(source ? { id: source.id } : {}), ...inputOf(draft) }), { onDone: setTested });
  const save = useMutation({
    mutationFn: () => (source ? changeFetchSource(source.id, inputOf(draft)) : addFetchSource(inputOf(draft))),
    onSuccess: (saved) => {
      say(t('fetch.saved'), { color: 'green' });
      void client.invalidateQueries({ queryKey: ['fetch'] });
      void navigate({ to: paths.fetchSource, params: { sourceId: saved.id }, search: {} });
    },
  });
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (!save.isPending && check()) save.mutate();
  };
  const pin = (sha256: string) => setConfig({ pinnedSha256: sha256 });
  return (
    <form ref={form} onSubmit={onSubmit} noValidate>
      <Panel title={t('fetch.panel.server')}><ServerFields {...props} /></Panel>
      <Panel title={t('fetch.panel.signIn')}><SignInFields {...props} /></Panel>
      <Panel title={t('fetch.panel.mail')}><MailFields {...props} /></Panel>
      <Panel title={t('fetch.panel.schedule')}><ScheduleFields {...props} /></Panel>
      <Panel title={t('fetch.tested')} lead={t('fetch.testLead')} actions={<Button variant="default" loading={test.isPending} onClick={() => check() && test.mutate()}>{t('fetch.test')}</Button>}>
        <div aria-live="polite">{tested ? <TestSteps test={tested} onPin={pin} pinned={draft.config.pinnedSha256 ?? ''} /> : <p className="muted">{t('fetch.notTested')}</p>}</div>
      </Panel>
      {save.error && <Alert mt={12} color="red" variant="light" role="alert">{problemText(save.error, texts)}</Alert>}
      <div className={classes.bar}>
        <Button type="submit" size="sm" loading={save.isPending}>{t('form.save')}</Button>
        <LinkButton variant="default" size="sm" {...(source ? { to: paths.fetchSource, params: { sourceId: source.id }, search: {} } : { to: paths.fetch })}>{t('form.cancel')}</LinkButton>
        {tried && Object.keys(faults).length > 0 && <span className="muted" role="status">{t('fetch.fieldsMissing')}</span>}
      </div>
    </form>
  );
}
