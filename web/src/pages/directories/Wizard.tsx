import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { addDirectory, changeDirectory, type Directory, type DirectoryConfig, type DirectoryPreview, type DirectoryTestAnswer, presetsQuery, previewDirectory, syncDirectory, testDirectory } from '../../api/directories';
import { paths } from '../../app/paths';
import { useAct } from '../../hooks/useAct';
import { useTexts } from '../../i18n';
import { Note } from '../../ui/Badge';
import { Panel } from '../../ui/Page';
import { ConnectionFields } from './ConnectionFields';
import { MappingFields } from './MappingFields';
import { Preview } from './Preview';
import { TestResult } from './TestResult';
import classes from './Wizard.module.css';

const STEPS = ['connection', 'test', 'mapping', 'preview'] as const;

export interface Draft {
  name: string;
  password: string;
  config: DirectoryConfig;
}

export interface StepProps {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
  setConfig: (change: Partial<DirectoryConfig>) => void;
  hasPassword: boolean;
}

const EMPTY: DirectoryConfig = { kind: 'active-directory', hosts: [], security: 'ldaps', peopleBases: [], enabled: false };

/** From the connection over a test and the mapping to a preview; nothing changes before the last button. */
export function Wizard({ directory }: { directory: Directory | null }) {
  const { t } = useTexts();
  const navigate = useNavigate();
  const client = useQueryClient();
  const { data: presets } = useQuery(presetsQuery);
  const [step, setStep] = useState(0);
  const [saved, setSaved] = useState<Directory | null>(directory);
  const [draft, setDraft] = useState<Draft>({ name: directory?.name ?? '', password: '', config: directory?.config ?? EMPTY });
  const [tested, setTested] = useState<DirectoryTestAnswer | null>(null);
  const [preview, setPreview] = useState<DirectoryPreview | null>(null);
  const set = (change: Partial<Draft>) => setDraft((before) => ({ ...before, ...change }));
  const setConfig = (change: Partial<DirectoryConfig>) => {
    // Another kind of directory brings what is usual for it; where it is and how to bind stay.
    const preset = change.kind ? presets?.presets.find((one) => one.kind === change.kind) : undefined;
    setDraft((before) => ({ ...before, config: preset ? { ...preset, ...keep(before.config), ...change } : { ...before.config, ...change } }));
    setTested(null);
  };
  const password = draft.password === '' ? undefined : draft.password;
  const test = useAct(() => testDirectory({ ...(saved ? { id: saved.id } : {}), config: draft.config, password: password ?? null }), { onDone: setTested });
  const save = async (enabled: boolean) => {
    const body = { name: draft.name.trim(), config: { ...draft.config, enabled }, password: password ?? null };
    const result = saved ? await changeDirectory(saved.id, body) : await addDirectory(body);
    setSaved(result);
    setDraft((before) => ({ ...before, password: '' }));
    return result;
  };
  // A directory that runs already goes on with its schedule while its new settings are looked at.
  const look = useAct(async () => previewDirectory((await save(directory?.config.enabled ?? false)).id), { onDone: setPreview, refresh: [['directories']] });
  const finish = useAct(
    async () => {
      const result = await save(true);
      await syncDirectory(result.id, false);
      return result;
    },
    {
      done: t('directories.syncBegun'),
      onDone: (result) => {
        void client.invalidateQueries({ queryKey: ['directories'] });
        void navigate({ to: paths.directory, params: { directoryId: result.id }, search: {} });
      },
    },
  );
  const complete = draft.name.trim() !== '' && draft.config.hosts.length > 0 && draft.config.peopleBases.length > 0;
  const props: StepProps = { draft, set, setConfig, hasPassword: saved?.hasPassword ?? false };
  return (
    <>
      <ol className={classes.steps} aria-label={t('directories.steps')}>
        {STEPS.map((name, i) => (
          <li key={name}>
            <button type="button" className={classes.step} aria-current={i === step ? 'step' : undefined} disabled={i > 0 && !complete} onClick={() => setStep(i)}>
              <span className={classes.number} aria-hidden>{i + 1}</span>{t(`directories.step.${name}`)}
            </button>
          </li>
        ))}
      </ol>
      {step === 0 && <Panel title={t('directories.step.connection')}><ConnectionFields {...props} /></Panel>}
      {step === 1 && (
        <Panel title={t('directories.step.test')} lead={t('directories.testLead')} actions={<Button loading={test.isPending} onClick={() => test.mutate()}>{t('directories.test')}</Button>}>
          <div aria-live="polite">{tested ? <TestResult answer={tested} onPin={(sha256) => setConfig({ pinnedSha256: sha256 })} pinned={draft.config.pinnedSha256 ?? ''} /> : <p className="muted">{t('directories.notTested')}</p>}</div>
        </Panel>
      )}
      {step === 2 && <Panel title={t('directories.step.mapping')}><MappingFields {...props} /></Panel>}
      {step === 3 && (
        <>
          <Panel title={t('directories.step.preview')} lead={t('directories.previewStepLead')} actions={<Button variant={preview ? 'default' : 'filled'} loading={look.isPending} onClick={() => look.mutate()}>{t('directories.saveAndPreview')}</Button>}>
            {!preview && <p className="muted">{t('directories.notPreviewed')}</p>}
            {preview && <Note tone="info">{t('directories.activateText')}</Note>}
          </Panel>
          {preview && <Preview preview={preview} />}
        </>
      )}
      <div className={classes.buttons}>
        {step > 0 && <Button variant="default" size="sm" onClick={() => setStep(step - 1)}>{t('directories.back')}</Button>}
        {step < STEPS.length - 1 && <Button size="sm" disabled={!complete} title={complete ? undefined : t('directories.incomplete')} onClick={() => setStep(step + 1)}>{t('directories.next')}</Button>}
        {step === STEPS.length - 1 && <Button size="sm" disabled={!preview || preview.run.outcome === 'failed'} loading={finish.isPending} onClick={() => finish.mutate()}>{t('directories.activate')}</Button>}
        {!complete && <span className="muted">{t('directories.incomplete')}</span>}
      </div>
    </>
  );
}

function keep(config: DirectoryConfig): Partial<DirectoryConfig> {
  const { hosts, bindDn, peopleBases, rules, userNamePrefix, caPem, pinnedSha256 } = config;
  return { hosts, bindDn, peopleBases, rules, userNamePrefix, caPem, pinnedSha256 };
}
