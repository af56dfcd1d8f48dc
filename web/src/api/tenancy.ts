import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api, type Schemas, unwrap } from './client';

export type Dashboard = Schemas['Dashboard'];
export type Domain = Schemas['Domain'];
export type HistoryPoint = Schemas['HistoryPoint'];
export type HistoryUnit = Schemas['HistoryUnit'];
export type Job = Schemas['Job'];
export type OwnTenant = Schemas['OwnTenant'];
export type QuarantineRow = Schemas['QuarantineRow'];
export type Source = Schemas['Source'];
export type TenantDetail = Schemas['TenantDetail'];
export type TenantRow = Schemas['TenantRow'];

const LIVE_MS = 10_000;
const JOBS_MS = 2_000;

export const dashboardQuery = (unit: HistoryUnit) =>
  queryOptions({ queryKey: ['dashboard', unit], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/dashboard', { params: { query: { unit } }, signal })), refetchInterval: LIVE_MS, placeholderData: keepPreviousData });
export const sourcesQuery = queryOptions({ queryKey: ['sources'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/sources', { signal })), refetchInterval: LIVE_MS });
export const domainsQuery = queryOptions({ queryKey: ['domains'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/domains', { signal })) });
export const tenantsQuery = queryOptions({ queryKey: ['tenants'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/tenants', { signal })) });
export const tenantQuery = (tenant: string) => queryOptions({ queryKey: ['tenants', tenant], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/tenants/{tenant}', { params: { path: { tenant } }, signal })) });
export const ownTenantQuery = queryOptions({ queryKey: ['own-tenant'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/tenant', { signal })) });
export const jobsQuery = queryOptions({
  queryKey: ['jobs'],
  queryFn: ({ signal }) => unwrap(api.GET('/api/v1/jobs', { signal })),
  refetchInterval: (query) => (query.state.data?.jobs.some((job) => job.state === 'running') ? JOBS_MS : false),
});
export const quarantineQuery = (reason: string, state: string) =>
  infiniteQueryOptions({
    queryKey: ['quarantine', reason, state],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => unwrap(api.GET('/api/v1/quarantine', { params: { query: { ...(reason ? { reason } : {}), state, ...(pageParam ? { cursor: pageParam } : {}) } }, signal })),
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
  });

export const addSource = (body: Schemas['NewSource']) => unwrap(api.POST('/api/v1/sources', { body }));
export const changeSource = (source: string, body: Schemas['ChangeSource']) => unwrap(api.PATCH('/api/v1/sources/{source}', { params: { path: { source } }, body }));
export const rotateSource = (source: string, graceHours: number) => unwrap(api.POST('/api/v1/sources/{source}/rotate', { params: { path: { source } }, body: { graceHours } }));
export const addDomain = (body: Schemas['NewDomain']) => unwrap(api.POST('/api/v1/domains', { body }));
export const removeDomain = (domain: string) => unwrap(api.DELETE('/api/v1/domains/{domain}', { params: { path: { domain } } }));
export const addTenant = (body: Schemas['NewTenant']) => unwrap(api.POST('/api/v1/tenants', { body }));
export const changeTenant = (tenant: string, body: Schemas['ChangeTenant']) => unwrap(api.PATCH('/api/v1/tenants/{tenant}', { params: { path: { tenant } }, body }));
export const suspendTenant = (tenant: string, reason: string) => unwrap(api.POST('/api/v1/tenants/{tenant}/suspend', { params: { path: { tenant } }, body: { reason } }));
export const resumeTenant = (tenant: string, reason: string) => unwrap(api.POST('/api/v1/tenants/{tenant}/resume', { params: { path: { tenant } }, body: { reason } }));
export const removeTenant = (tenant: string, name: string, reason: string) => unwrap(api.POST('/api/v1/tenants/{tenant}/remove', { params: { path: { tenant } }, body: { name, reason } }));
export const exportTenant = (tenant: string, folder: string, reason: string) => unwrap(api.POST('/api/v1/tenants/{tenant}/export', { params: { path: { tenant } }, body: { folder, reason } }));
export const cancelJob = (job: string) => unwrap(api.POST('/api/v1/jobs/{job}/cancel', { params: { path: { job } } }));
export const changeOwnTenant = (body: Schemas['ChangeSettings']) => unwrap(api.PATCH('/api/v1/tenant/settings', { body }));
export const retryQuarantined = (id: string) => unwrap(api.POST('/api/v1/quarantine/{id}/retry', { params: { path: { id } } }));
export const releaseQuarantined = (id: string, reason: string) => unwrap(api.POST('/api/v1/quarantine/{id}/release', { params: { path: { id } }, body: { reason } }));
export const discardQuarantined = (id: string, reason: string) => unwrap(api.POST('/api/v1/quarantine/{id}/discard', { params: { path: { id } }, body: { reason } }));
export const decideAll = (body: Schemas['QuarantineBulk']) => unwrap(api.POST('/api/v1/quarantine/bulk', { body }));
