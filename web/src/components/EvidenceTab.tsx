import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Schemas } from '../api/client';
import { recordEvidenceQuery, urls } from '../api/queries';
import { useTexts } from '../i18n';
import { Badge, Note, type Tone } from '../ui/Badge';
import { IconDownload } from '../ui/icons';
import { Facts } from '../ui/Page';
import { Copyable } from './Copyable';
import classes from './EvidenceTab.module.css';
import { Failure } from './Failure';

type State = Schemas['EvidenceState'];

export const EVIDENCE_TONES: Record<State, Tone> = { sealed: 'info', stamped: 'good', waiting: 'plain' };

/** Everything that proves a mail: when it was sealed and stamped, by whom, and the proof as a file. */
export function EvidenceTab({ record, level }: { record: Schemas['Record']; level: 1 | 2 }) {
  const { t, n } = useTexts();
  const Heading = level === 1 ? 'h2' : 'h3';
  const { data, error, refetch } = useQuery(recordEvidenceQuery(record.id));
  if (error && !data) return <Failure error={error} retry={() => void refetch()} />;
  if (!data) return <div className={classes.root} role="status">{t('list.loading')}</div>;
  return (
    <div className={classes.root} tabIndex={0} role="region" aria-label={t('tab.evidence')}>
      <Note tone={EVIDENCE_TONES[data.state] === 'plain' ? 'info' : EVIDENCE_TONES[data.state]} title={`${t(`proof.state.${data.state}`)}.`}>{t(`proof.text.${data.state}`)}</Note>
      {data.held && <Note tone="warn">{t('proof.held')}</Note>}
      <div className={classes.bar}>
        {data.proofAvailable
          ? <Button component="a" href={urls.proof(record.id)} download leftSection={<IconDownload size={14} aria-hidden />}>{t('proof.download')}</Button>
          : <span className="muted">{t('proof.noDownload')}</span>}
        {data.proofAvailable && <span className="muted">{t('proof.downloadHint')}</span>}
      </div>
      <Facts facts={[[t('proof.digest'), <Copyable key="digest" text={record.contentId.replace(/^sha256:/, '')} what={t('proof.digest')} />]]} />
      <p className="muted">{n('proof.deliveries', data.deliveries.length)}</p>
      {data.deliveries.map((delivery, i) => <Delivery key={delivery.seq} delivery={delivery} position={i + 1} heading={Heading} />)}
    </div>
  );
}

function Delivery({ delivery, position, heading: Heading }: { delivery: Schemas['DeliveryEvidence']; position: number; heading: 'h2' | 'h3' }) {
  const { t, n, exact, day, number } = useTexts();
  return (
    <section className={classes.delivery}>
      <Heading className={classes.heading}>{t('proof.delivery', { position })} <Badge tone={EVIDENCE_TONES[delivery.state]}>{t(`proof.state.${delivery.state}`)}</Badge></Heading>
      <Facts
        facts={[
          [t('proof.received'), exact(delivery.receivedAt)],
          [t('proof.seq'), number(delivery.seq)],
          delivery.batch == null ? null : [t('proof.batch'), number(delivery.batch)],
          delivery.sealedAt ? [t('proof.sealedAt'), exact(delivery.sealedAt)] : null,
          delivery.stampedAt ? [t('proof.stampedAt'), <>{exact(delivery.stampedAt)}<div className="muted">{n('proof.stamps', delivery.stamps)}</div></>] : null,
          delivery.authority ? [t('proof.authority'), <>{delivery.authority}{delivery.qualified != null ? <div className="muted">{t(delivery.qualified ? 'proof.listed' : 'proof.notListed')}{delivery.qualifiedBy && <span lang="en"> ({delivery.qualifiedBy})</span>}</div> : delivery.claimsQualified && <div className="muted">{t('proof.qualified')}</div>}</>] : null,
          delivery.secondAuthority ? [t('proof.secondAuthority'), delivery.secondAuthority] : null,
          delivery.renewalDue ? [t('proof.renewalDue'), day(delivery.renewalDue)] : null,
        ]}
      />
    </section>
  );
}
