import { Button } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { type Grant, grantsQuery, revokeGrant } from '../../api/people';
import { Failure } from '../../components/Failure';
import { Confirm } from '../../forms/Confirm';
import { type Translator, useTexts } from '../../i18n';
import { Badge } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { Dialog, useDialog } from '../../ui/Dialog';
import { EmptyState } from '../../ui/EmptyState';
import { IconPlus, IconShieldLock } from '../../ui/icons';
import { Panel } from '../../ui/Page';
import { GrantForm, type GrantPreset } from './GrantForm';

interface Props {
  title: string;
  lead?: string;
  filter: { account?: string; mailbox?: string; standing?: boolean };
  preset: GrantPreset;
}

/** A span of time in words. */
export function spanText(span: { from: string | null; until: string | null }, { t, day }: Translator): string {
  if (!span.from && !span.until) return t('grants.unlimited');
  if (!span.until) return t('grants.since', { from: day(span.from) });
  return span.from ? t('grants.between', { from: day(span.from), until: day(span.until) }) : t('grants.until', { until: day(span.until) });
}

/** Grants, newest first, with the ways to give and to take back. */
export function GrantsTable({ title, lead, filter, preset }: Props) {
  const texts = useTexts();
  const { t, stamp } = texts;
  const list = useInfiniteQuery(grantsQuery(filter));
  const adding = useDialog();
  const revoking = useDialog<Grant>();
  const refresh = [['grants']];
  const name = (one: { displayName: string; userName: string }) => one.displayName || one.userName;
  const state = (grant: Grant) => {
    if (grant.revokedAt) return <Badge>{t('grants.revoked')}</Badge>;
    return grant.active ? <Badge tone="good">{t('grants.active')}</Badge> : <Badge tone="warn">{t('grants.inactive')}</Badge>;
  };
  return (
    <Panel title={title} lead={lead} actions={<Button variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => adding.open(true)}>{t('grants.add')}</Button>} flush>
      {list.error && !list.data ? (
        <Failure error={list.error} retry={() => void list.refetch()} />
      ) : (
        <DataTable
          label={title}
          rows={list.data?.pages.flatMap((page) => page.grants)}
          rowKey={(grant) => grant.id}
          ghosts={3}
          more={{ has: list.hasNextPage, busy: list.isFetchingNextPage, load: () => void list.fetchNextPage() }}
          empty={<EmptyState icon={<IconShieldLock size={24} />} title={t('grants.empty')}>{t('grants.emptyText')}</EmptyState>}
          columns={[
            { title: t('grants.who'), header: true, cell: (grant) => (grant.account ? name(grant.account) : <>{grant.group?.name || t('grants.goneGroup')} <Badge>{t('groups.one')}</Badge></>) },
            { title: t('grants.whose'), cell: (grant) => (grant.mailbox ? name(grant.mailbox) : <Badge tone="warn">{t('grants.wholeTenant')}</Badge>) },
            { title: t('grants.kind'), cell: (grant) => t(`grants.kind.${grant.kind}`) },
            { title: t('grants.valid'), cell: (grant) => spanText(grant.valid, texts) },
            { title: t('grants.mail'), cell: (grant) => spanText(grant.mail, texts) },
            { title: t('grants.reason'), cell: (grant) => <div>{grant.reason}<div className="muted">{t('grants.by', { who: grant.grantedBy, when: stamp(grant.grantedAt) })}</div></div> },
            { title: t('grants.state'), cell: state },
            { title: t('table.actions'), actions: true, cell: (grant) => !grant.revokedAt && <Button variant="subtle" color="red" onClick={() => revoking.open(grant)}>{t('grants.revoke')}</Button> },
          ]}
        />
      )}
      <Dialog dialog={adding} title={t('grants.add')} size={560}>{() => <GrantForm preset={preset} close={adding.close} />}</Dialog>
      <Confirm dialog={revoking} title={t('grants.revokeTitle')} effect={(grant) => t('grants.revokeEffect', { who: grant.account ? name(grant.account) : (grant.group?.name ?? ''), whose: grant.mailbox ? name(grant.mailbox) : t('grants.wholeTenant') })} submit={t('grants.revoke')} danger reason send={(grant, reason) => revokeGrant(grant.id, reason)} done={t('grants.revokedDone')} refresh={refresh} />
    </Panel>
  );
}
