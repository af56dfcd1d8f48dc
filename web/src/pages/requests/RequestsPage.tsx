import { Button } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { type AccessRequest, accessRequestsQuery, approveAccess, rejectAccess, revokeAccess } from '../../api/people';
import { Failure } from '../../components/Failure';
import { Confirm } from '../../forms/Confirm';
import { usePermissions, useSession } from '../../hooks/useSession';
import { type Key, useTexts } from '../../i18n';
import { Badge, type Tone } from '../../ui/Badge';
import { DataTable } from '../../ui/DataTable';
import { Dialog, useDialog } from '../../ui/Dialog';
import { EmptyState } from '../../ui/EmptyState';
import { IconPlus, IconShieldCheck } from '../../ui/icons';
import { Page, Panel } from '../../ui/Page';
import { spanText } from '../grants/GrantsTable';
import { RequestForm } from './RequestForm';

const TONES: Record<string, Tone> = { approved: 'good', asked: 'warn', rejected: 'bad', revoked: 'plain' };
const REFRESH = [['access-requests'], ['mailboxes']];

/** Four eyes: who asks for access to mail of others, and who has decided. */
export function RequestsPage() {
  const texts = useTexts();
  const { t, n, stamp } = texts;
  const permissions = usePermissions();
  const session = useSession();
  const list = useInfiniteQuery({ ...accessRequestsQuery, refetchInterval: 30_000 });
  const asking = useDialog();
  const approving = useDialog<AccessRequest>();
  const rejecting = useDialog<AccessRequest>();
  const revoking = useDialog<AccessRequest>();
  if (list.error && !list.data) return <Page title={t('requests.title')}><Failure error={list.error} retry={() => void list.refetch()} /></Page>;
  const name = (one: { displayName: string; userName: string }) => one.displayName || one.userName;
  const whose = (request: AccessRequest) => (request.wholeTenant ? t('grants.wholeTenant') : request.mailboxes.map(name).join(', '));
  const mayEnd = (request: AccessRequest) => (request.state === 'approved' || request.state === 'asked') && (permissions.includes('approve_access') || request.requester.id === session?.account.id);
  const facts = (request: AccessRequest) => <>{t('requests.effect', { who: name(request.requester), whose: whose(request), until: stamp(request.until) })}<p className="muted">{request.reason}</p></>;
  return (
    <Page title={t('requests.title')} lead={t('requests.lead')} actions={permissions.includes('request_access') && <Button leftSection={<IconPlus size={14} aria-hidden />} onClick={() => asking.open(true)}>{t('requests.ask')}</Button>}>
      <Panel title={t('requests.list')} flush>
        <DataTable
          label={t('requests.title')}
          rows={list.data?.pages.flatMap((page) => page.requests)}
          rowKey={(request) => request.id}
          more={{ has: list.hasNextPage, busy: list.isFetchingNextPage, load: () => void list.fetchNextPage() }}
          empty={<EmptyState icon={<IconShieldCheck size={24} />} title={t('requests.empty')}>{t('requests.emptyText')}</EmptyState>}
          columns={[
            { title: t('requests.who'), header: true, cell: (request) => name(request.requester) },
            { title: t('grants.whose'), cell: whose },
            { title: t('grants.mail'), cell: (request) => spanText(request.mail, texts) },
            { title: t('grants.reason'), cell: (request) => request.reason },
            { title: t('requests.until'), cell: (request) => stamp(request.until) },
            {
              title: t('grants.state'),
              cell: (request) => (
                <div>
                  <Badge tone={TONES[request.state] ?? 'plain'}>{request.state === 'approved' && !request.active ? t('requests.over') : t(`requests.state.${request.state}` as Key)}</Badge>
                  {request.decisions.map((decision) => <div key={decision.at} className="muted">{decision.who}, {stamp(decision.at)}{decision.reason && `: ${decision.reason}`}</div>)}
                  {request.concerned.length > 0 && <div className="muted">{n('requests.told', request.concerned.filter((one) => one.toldAt).length, { total: request.concerned.length })}</div>}
                </div>
              ),
            },
            {
              title: t('table.actions'),
              actions: true,
              cell: (request) => (
                <>
                  {request.decidable && <Button onClick={() => approving.open(request)}>{t('requests.approve')}</Button>} {request.decidable && <Button variant="default" onClick={() => rejecting.open(request)}>{t('requests.reject')}</Button>} {mayEnd(request) && !request.decidable && <Button variant="subtle" color="red" onClick={() => revoking.open(request)}>{t(request.state === 'asked' ? 'requests.withdraw' : 'requests.revoke')}</Button>}
                </>
              ),
            },
          ]}
        />
      </Panel>
      <Dialog dialog={asking} title={t('requests.ask')} size={560}>{() => <RequestForm close={asking.close} refresh={REFRESH} />}</Dialog>
      <Confirm dialog={approving} title={t('requests.approveTitle')} effect={facts} submit={t('requests.approve')} reason send={(request, reason) => approveAccess(request.id, reason)} done={t('requests.approved')} refresh={REFRESH} />
      <Confirm dialog={rejecting} title={t('requests.rejectTitle')} effect={facts} submit={t('requests.reject')} danger reason send={(request, reason) => rejectAccess(request.id, reason)} done={t('requests.rejected')} refresh={REFRESH} />
      <Confirm dialog={revoking} title={t('requests.revokeTitle')} effect={(request) => t('requests.revokeEffect', { who: name(request.requester), whose: whose(request) })} submit={t('requests.revoke')} danger reason send={(request, reason) => revokeAccess(request.id, reason)} done={t('requests.revoked')} refresh={REFRESH} />
    </Page>
  );
}
