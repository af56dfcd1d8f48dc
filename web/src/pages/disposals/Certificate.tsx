import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type CertificateFacts, certificateQuery, certificateUrl } from '../../api/disposals';
import type { Schemas } from '../../api/client';
import { Failure } from '../../components/Failure';
import { useTexts } from '../../i18n';
import { Badge } from '../../ui/Badge';
import { IconDownload } from '../../ui/icons';
import { Facts } from '../../ui/Page';
import type { Ground } from './DisposalsPage';

/** How an event of the ledger is sealed, as people read it. */
export function SealText({ seal }: { seal: Schemas['CertificateSeal'] | null }) {
  const { t, stamp, number } = useTexts();
  if (!seal) return <Badge tone="info">{t('certificate.unsealed')}</Badge>;
  return (
    <>
      {seal.stampedAt ? <Badge tone="good">{t('certificate.stamped', { when: stamp(seal.stampedAt) })}</Badge> : <Badge tone="warn">{t('certificate.local', { when: stamp(seal.sealedAt) })}</Badge>}
      <div className="muted">{[t('certificate.batch', { number: number(seal.batch) }), seal.authority].filter(Boolean).join(' · ')}</div>
    </>
  );
}

/** The certificate of deletion of one mail: what is left of it. */
export function Certificate({ run, record }: { run: string; record: string }) {
  const { t, n, stamp, day, number } = useTexts();
  const { data, error, refetch } = useQuery(certificateQuery(run, record));
  if (error && !data) return <Failure error={error} retry={() => void refetch()} />;
  if (!data) return <p className="muted">{t('list.loading')}</p>;
  const facts = data.facts as CertificateFacts | null;
  return (
    <>
      <p className="muted">{t('certificate.lead')}</p>
      <Facts
        facts={[
          [t('certificate.record'), <span key="record" className="mono">{data.record}</span>],
          facts && [t('certificate.content'), <span key="content" className="mono" style={{ overflowWrap: 'anywhere' }}>{facts.content}</span>],
          facts && [t('disposal.received'), stamp(facts.receivedAt)],
          [t('disposal.ground'), t(`disposal.ground.${data.ground as Ground}`)],
          facts?.policy ? [t('certificate.policy'), <>{facts.policy}{facts.version != null && <div className="muted">{t('certificate.version', { version: number(facts.version) })}</div>}</>] : null,
          facts?.keptThrough ? [t('disposal.keptThrough'), day(facts.keptThrough)] : null,
          [t('certificate.at'), stamp(data.at)],
          facts && [t('disposal.approvals'), facts.approvals.map((one) => <div key={one.at}>{stamp(one.at)}: {one.reason}</div>)],
          facts && [t('certificate.erased'), n('certificate.keys', facts.erased.length)],
          [t('certificate.event'), number(data.seq)],
          [t('certificate.seal'), <SealText key="seal" seal={data.seal} />],
        ]}
      />
      <Button component="a" href={certificateUrl(run, record)} download={`certificate-${record}.json`} variant="default" mt="md" leftSection={<IconDownload size={14} aria-hidden />}>{t('certificate.download')}</Button>
    </>
  );
}
