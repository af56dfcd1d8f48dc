import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { api, type Schemas, unwrap } from './client';

export type FetchConfig = Schemas['FetchConfig'];
export type FetchCounts = Schemas['FetchCounts'];
export type FetchLive = Schemas['FetchLive'];
export type FetchOauth = Schemas['FetchOauth'];
export type FetchRun = Schemas['FetchRun'];
export type FetchSource = Schemas['FetchSource'];
export type FetchSourceInput = Schemas['FetchSourceInput'];
export type FetchTest = Schemas['FetchTest'];
export type LeftMail = Schemas['LeftMail'];
export type Reconciliation = Schemas['Reconciliation'];

/** What went wrong, as the server names it. */
export type FetchErrorKind = 'config' | 'corrupt-mail' | 'limit-exceeded' | 'no-connection' | 'protocol' | 'refused' | 'server-busy' | 'sign-in-refused' | 'spool' | 'tls-mismatch';

const LIVE_MS = 3_000;
const IDLE_MS = 15_000;

export const fetchSourcesQuery = queryOptions({
  queryKey: ['fetch'],
  queryFn: ({ signal }) => unwrap(api.GET('/api/v1/fetch-sources', { signal })),
  refetchInterval: (query) => (query.state.data?.sources.some((source) => source.running) ? LIVE_MS : IDLE_MS),
});
export const fetchSourceQuery = (id: string) =>
  queryOptions({ queryKey: ['fetch', id], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/fetch-sources/{id}', { params: { path: { id } }, signal })), refetchInterval: (query) => (query.state.data?.running ? LIVE_MS : IDLE_MS) });
export const fetchRunsQuery = (id: string) =>
  queryOptions({ queryKey: ['fetch', id, 'runs'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/fetch-sources/{id}/runs', { params: { path: { id } }, signal })), refetchInterval: IDLE_MS });
export const leftMailsQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ['fetch', id, 'left'],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => unwrap(api.GET('/api/v1/fetch-sources/{id}/left', { params: { path: { id }, query: pageParam ? { cursor: pageParam } : {} }, signal })),
    getNextPageParam: (page) => page.next ?? undefined,
  });
export const reconciliationsQuery = (id: string) =>
  queryOptions({ queryKey: ['fetch', id, 'reconciliations'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/fetch-sources/{id}/reconciliations', { params: { path: { id } }, signal })), refetchInterval: IDLE_MS });

export const addFetchSource = (input: FetchSourceInput) => unwrap(api.POST('/api/v1/fetch-sources', { body: input }));
export const changeFetchSource = (id: string, input: FetchSourceInput) => unwrap(api.PUT('/api/v1/fetch-sources/{id}', { params: { path: { id } }, body: input }));
export const removeFetchSource = (id: string) => unwrap(api.DELETE('/api/v1/fetch-sources/{id}', { params: { path: { id } } }));
export const testFetchSource = (input: FetchSourceInput & { id?: string }) => unwrap(api.POST('/api/v1/fetch-sources/test', { body: input }));
export const pollFetchSource = (id: string) => unwrap(api.POST('/api/v1/fetch-sources/{id}/poll', { params: { path: { id } } }));
export const pauseFetchSource = (id: string) => unwrap(api.POST('/api/v1/fetch-sources/{id}/pause', { params: { path: { id } } }));
export const resumeFetchSource = (id: string) => unwrap(api.POST('/api/v1/fetch-sources/{id}/resume', { params: { path: { id } } }));
export const resetFetchSource = (id: string) => unwrap(api.POST('/api/v1/fetch-sources/{id}/reset', { params: { path: { id } } }));
export const retryLeftMails = (id: string) => unwrap(api.POST('/api/v1/fetch-sources/{id}/left/retry', { params: { path: { id } } }));
export const reconcileFetchSource = (id: string) => unwrap(api.POST('/api/v1/fetch-sources/{id}/reconcile', { params: { path: { id } } }));
