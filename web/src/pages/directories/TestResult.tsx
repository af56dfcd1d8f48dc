import { Button } from '@mantine/core';
import type { DirectoryTestAnswer } from '../../api/directories';
import { Copyable } from '../../components/Copyable';
import { type Key, useTexts } from '../../i18n';
import { Note } from '../../ui/Badge';
import { IconAlertTriangle, IconCheck, IconX } from '../../ui/icons';
import { Facts } from '../../ui/Page';
import classes from './Wizard.module.css';

const ICONS = { done: IconCheck, failed: IconX, warning: IconAlertTriangle };

/** What was tried, step by step, until the first failure. */
export function TestResult({ answer, onPin, pinned }: { answer: DirectoryTestAnswer; onPin: (sha256: string) => void; pinned: string }) {
  const { t, day } = useTexts();
  const named = (key: Key, otherwise: string) => (t(key) === key ? otherwise : t(key));
  return (
    <>
      <Note tone={answer.ok ? 'good' : 'bad'}>{t(answer.ok ? 'directories.testOk' : 'directories.testFailed')}</Note>
      <ol className={classes.results}>
        {answer.steps.map((step, i) => {
          const Icon = ICONS[step.state];
          return (
            <li key={i} className={classes.result} data-state={step.state}>
              <Icon size={16} role="img" aria-label={t(`directories.testState.${step.state}`)} />
              <div>
                <div>{named(`directories.testStep.${step.name}` as Key, step.name)}</div>
                {step.code && <div>{named(`directories.testCode.${step.code}` as Key, '')}</div>}
                {step.detail && <div className={classes.detail} lang="en">{step.detail}</div>}
                {step.certificate && (
                  <Facts
                    facts={[
                      [t('connect.certificate'), step.certificate.subject],
                      [t('connect.issuer'), step.certificate.issuer],
                      [t('directories.validUntil'), day(step.certificate.validUntil)],
                      [t('directories.fingerprint'), <Copyable key="sha" text={step.certificate.sha256} what={t('directories.fingerprint')} />],
                    ]}
                  />
                )}
                {step.certificate && step.state === 'failed' && pinned !== step.certificate.sha256 && <Button mt={6} variant="default" onClick={() => onPin(step.certificate?.sha256 ?? '')}>{t('directories.pin')}</Button>}
              </div>
            </li>
          );
        })}
      </ol>
    </>
  );
}
