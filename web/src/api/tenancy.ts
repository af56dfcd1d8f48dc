import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { call } from './raw';

export interface TenantFigures { records: number; reports: number; merged: number; quarantined: number; notSelected: number; rawBytes: number; mailBytes: number; parts: number }
export interface Storage { packs: number; keys: number; index: number; quotaBytes: number | null; quotaState: 'fine' | 'warning' | 'critical' | 'over' }
export interface SourceFigures { mails: number; bytes: number; reports: number; quarantined: number; notSelected: number; lastAt: string | null; lastReportAt: string | null }
export interface SourceRules { journalReports: boolean; headers: string[]; deliveredTo: boolean }
export interface Source { id: string; name: string; kind: string; address?: string | null; state: 'active' | 'ended' | 'ending' | 'suspended'; endsAt?: string | null; successor?: string | null; createdAt?: string | null; figures: SourceFigures; rules: SourceRules }
export type HistoryUnit = 'hour' | 'day' | 'month';
export interface HistoryPoint { at: string; source?: string | null; mails: number; bytes: number; quarantined: number; notSelected: number }
export interface Dashboard {
  tenant?: { id: string; name: string } | null; figures: TenantFigures; storage: Storage; reduction?: number | null;
  history: { unit: HistoryUnit; from: string; until: string; points: HistoryPoint[] };
  sources: { id: string; name: string; figures: SourceFigures }[];
  spool: { depth: number; bytes: number; oldestSeconds: number | null; state: 'open' | 'full' };
  waiting: { code: string; count: number }[]; index: { lag: number; lastCommitAt: string | null };
  failures: { code: string; tenant?: string | null; detail: string }[];
  mailboxes: { account: string; userName: string; displayName: string; mails: number; bytes: number }[];
  tenants?: { total: number; suspended: number; top: { id: string; name: string; records: number; rawBytes: number; quarantined: number; recentMails: number; recentBytes: number }[] } | null;
  certificates: { subject: string; notAfter: string; selfSigned: boolean }[];
}
export interface Domain { name: string; subdomains: boolean; addedAt: string }
export interface Quota { bytes?: number | null; hard: boolean }
export interface TenantSettings { fourEyes: boolean; tellConcerned: boolean; archiveOnlySelected: boolean; notifications: string[]; language: string | null; quota: Quota }
export interface TenantRow { id: string; name: string; state: string; createdAt: string; figures: TenantFigures; storage: Storage; trouble?: string | null }
export interface TenantDetail extends TenantRow { organisations: string[]; archiveDomains: string[]; domains: Domain[]; settings: TenantSettings; accounts: number }
export interface RemovalRow { id: string; name: string; by: string; reason: string; begunAt: string; endedAt?: string | null; records: number; mailBytes: number }
export interface OwnTenant { id: string; name: string; organisations: string[]; archiveDomains: string[]; domains: Domain[]; settings: TenantSettings; storage: Storage }
export interface Job { id: string; kind: string; tenant?: string | null; by: string; begunAt: string; endedAt?: string | null; state: string; done: number; total: number; detail: unknown }
export interface QuarantineRow { id: string; receivedAt: string; sizeBytes: number; reason: { code: string; detail: string }; originatorOrg?: string | null; source: string; reversePath?: string | null; state: string; decidedAt?: string | null; decidedBy?: string | null; decidedReason?: string | null }
export interface QuarantineAnswer { total: number; waiting: { code: string; count: number }[]; rows: QuarantineRow[]; next: string | null }

const LIVE_MS = 10_000;
const JOBS_MS = 2_000;

export const dashboardQuery = (unit: HistoryUnit) =>
  queryOptions({ queryKey: ['dashboard', unit], queryFn: ({ signal }) => call<Dashboard>('GET', '/dashboard', { query: { unit }, signal }), refetchInterval: LIVE_MS, placeholderData: keepPreviousData });
export const sourcesQuery = queryOptions({ queryKey: ['sources'], queryFn: ({ signal }) => call<{ sources: Source[] }>('GET', '/sources', { signal }), refetchInterval: LIVE_MS });
export const domainsQuery = queryOptions({ queryKey: ['domains'], queryFn: ({ signal }) => call<{ domains: Domain[]; notOurs: number }>('GET', '/domains', { signal }) });
export const tenantsQuery = queryOptions({ queryKey: ['tenants'], queryFn: ({ signal }) => call<{ tenants: TenantRow[]; removals: RemovalRow[] }>('GET', '/tenants', { signal }) });
export const tenantQuery = (id: string) => queryOptions({ queryKey: ['tenants', id], queryFn: ({ signal }) => call<TenantDetail>('GET', '/tenants/{id}', { path: { id }, signal }) });
export const ownTenantQuery = queryOptions({ queryKey: ['own-tenant'], queryFn: ({ signal }) => call<OwnTenant>('GET', '/tenant', { signal }) });
export const jobsQuery = queryOptions({
  queryKey: ['jobs'],
  queryFn: ({ signal }) => call<{ jobs: Job[] }>('GET', '/jobs', { signal }),
  refetchInterval: (query) => (query.state.data?.jobs.some((job) => job.state === 'running') ? JOBS_MS : false),
});
export const quarantineQuery = (reason: string, state: string) =>
  infiniteQueryOptions({
    queryKey: ['quarantine', reason, state],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => call<QuarantineAnswer>('GET', '/quarantine', { query: { reason: reason || undefined, state: state || undefined, cursor: pageParam || undefined }, signal }),
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
  });

export const addSource = (body: { name: string; archiveDomain?: string; rules?: SourceRules }) => call<Source>('POST', '/sources', { body });
export const changeSource = (id: string, body: { name?: string; suspended?: boolean; rules?: SourceRules }) => call<Source>('PATCH', '/sources/{id}', { path: { id }, body });
export const rotateSource = (id: string, graceHours: number) => call<Source>('POST', '/sources/{id}/rotate', { path: { id }, body: { graceHours } });
export const addDomain = (body: { name: string; subdomains: boolean; rerun: boolean }) => call<{ domain: Domain; job?: Job | null }>('POST', '/domains', { body });
export const removeDomain = (name: string) => call('DELETE', '/domains/{name}', { path: { name } });
export const addTenant = (body: { name: string; archiveDomain: string; organisations: string[]; administrator: string; domains: string[]; language?: string }) =>
  call<{ id: string; journalAddress: string; administrator: string; oneTimePassword: string }>('POST', '/tenants', { body });
export const changeTenant = (id: string, body: { name?: string; organisations?: string[]; archiveDomains?: string[]; quota?: Quota }) => call('PATCH', '/tenants/{id}', { path: { id }, body });
export const suspendTenant = (id: string, reason: string) => call('POST', '/tenants/{id}/suspend', { path: { id }, body: { reason } });
export const resumeTenant = (id: string, reason: string) => call('POST', '/tenants/{id}/resume', { path: { id }, body: { reason } });
export const removeTenant = (id: string, name: string, reason: string) => call('POST', '/tenants/{id}/remove', { path: { id }, body: { name, reason } });
export const exportTenant = (id: string, folder: string, reason: string) => call<Job>('POST', '/tenants/{id}/export', { path: { id }, body: { folder, reason } });
export const cancelJob = (id: string) => call('POST', '/jobs/{id}/cancel', { path: { id } });
export const changeOwnTenant = (body: { organisations?: string[]; fourEyes?: boolean; tellConcerned?: boolean; archiveOnlySelected?: boolean; notifications?: string[]; language?: string; reason?: string }) => call('PATCH', '/tenant/settings', { body });
export const retryQuarantined = (id: string) => call('POST', '/quarantine/{id}/retry', { path: { id } });
export const releaseQuarantined = (id: string, reason: string) => call('POST', '/quarantine/{id}/release', { path: { id }, body: { reason } });
export const discardQuarantined = (id: string, reason: string) => call('POST', '/quarantine/{id}/discard', { path: { id }, body: { reason } });
export const decideAll = (body: { action: 'discard' | 'release' | 'retry'; forReason?: string; reason?: string }) => call<Job>('POST', '/quarantine/bulk', { body });
