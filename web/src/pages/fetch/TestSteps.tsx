import { Button } from '@mantine/core';
import type { FetchErrorKind, FetchTest } from '../../api/fetch';
import { Copyable } from '../../components/Copyable';
import { type Key, useTexts } from '../../i18n';
import { Note } from '../../ui/Badge';
import { IconAlertTriangle, IconCheck, IconX } from '../../ui/icons';
import { Facts } from '../../ui/Page';
import classes from './Fetch.module.css';

/** What was tried, step by step, until the first failure. */
export function TestSteps({ test, onPin, pinned = '' }: { test: FetchTest; onPin?: (sha256: string) => void; pinned?: string }) {
  const { t, day, number } = useTexts();
  const named = (key: Key, otherwise: string) => (t(key) === key ? otherwise : t(key));
  return (
    <>
      <Note tone={test.ok ? 'good' : 'bad'}>{t(test.ok ? 'fetch.testOk' : 'fetch.testFailed')}</Note>
      <ol className={classes.results}>
        {test.steps.map((step, i) => (
          <li key={i} className={classes.result} data-state={!step.ok ? 'failed' : step.warning ? 'warning' : 'done'}>
            {step.ok ? step.warning ? <IconAlertTriangle size={16} role="img" aria-label={t('directories.testState.warning')} /> : <IconCheck size={16} role="img" aria-label={t('fetch.stepOk')} /> : <IconX size={16} role="img" aria-label={t('fetch.stepFailed')} />}
            <div>
              <div>{named(`fetch.step.${step.step}` as Key, step.step)}</div>
              {step.kind && !step.ok && <div>{t(`fetch.kind.${step.kind as FetchErrorKind}.text`)}</div>}
              {step.remedy && <div>{named(`fetch.remedy.${step.remedy}` as Key, '')}</div>}
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
              {step.certificate && !step.ok && onPin && pinned !== step.certificate.sha256 && (
                <>
                  <p className="muted">{t('fetch.pinCompare')}</p>
                  <Button variant="default" onClick={() => onPin(step.certificate?.sha256 ?? '')}>{t('directories.pin')}</Button>
                </>
              )}
            </div>
            <span className="muted tabular">{t('fetch.millis', { count: number(step.millis) })}</span>
          </li>
        ))}
      </ol>
    </>
  );
}
