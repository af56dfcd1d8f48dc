import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { api, type Schemas, unwrap } from './client';

export type DisposalItem = Schemas['DisposalItem'];
export type DisposalRun = Schemas['DisposalRun'];
export type DisposalState = 'done' | 'proposed' | 'proposing' | 'rejected' | 'running' | 'withdrawn';

/** What a certificate says of its mail; the ledger has more. */
export interface CertificateFacts {
  content: string;
  receivedAt: string;
  class: string | null;
  policy: string | null;
  version: number | null;
  keptThrough: string | null;
  approvals: { at: string; reason: string }[];
  erased: unknown[];
}

const LIVE_MS = 2_000;
const SEALED_MS = 10_000;
const moves = (run: DisposalRun | undefined) => run?.state === 'running' || run?.state === 'proposing';

export const disposalsQuery = queryOptions({ queryKey: ['disposals'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/disposal/runs', { signal })), refetchInterval: (query) => (query.state.data?.runs.some(moves) ? LIVE_MS : false) });
export const disposalQuery = (run: string) =>
  queryOptions({ queryKey: ['disposals', run], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/disposal/runs/{run}', { params: { path: { run } }, signal })), refetchInterval: (query) => (moves(query.state.data) ? LIVE_MS : false) });
/** Asked again when the run goes on. */
export const disposalItemsQuery = (run: string, state: string) =>
  infiniteQueryOptions({
    queryKey: ['disposals', run, 'items', state],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => unwrap(api.GET('/api/v1/disposal/runs/{run}/items', { params: { path: { run }, query: pageParam ? { after: pageParam } : {} }, signal })),
    getNextPageParam: (page) => page.next ?? undefined,
  });
/** Asked again when the run goes on. */
export const disposalSummaryQuery = (run: string, state: string) =>
  queryOptions({ queryKey: ['disposals', run, 'summary', state], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/disposal/runs/{run}/summary', { params: { path: { run } }, signal })), refetchInterval: (query) => (query.state.data?.certificates?.seal === null ? SEALED_MS : false) });
/** What is left of one mail. */
export const certificateQuery = (run: string, record: string) =>
  queryOptions({ queryKey: ['disposals', run, 'certificate', record], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/disposal/runs/{run}/certificates/{record}', { params: { path: { run, record } }, signal })) });
export const certificateUrl = (run: string, record: string) => `/api/v1/disposal/runs/${encodeURIComponent(run)}/certificates/${encodeURIComponent(record)}`;
export const disposalCsvUrl = (run: string) => `/api/v1/disposal/runs/${encodeURIComponent(run)}/items.csv`;

export const proposeDisposal = (body: Schemas['NewDisposalRun']) => unwrap(api.POST('/api/v1/disposal/runs', { body }));
export const proposeErasure = (body: Schemas['NewErasure']) => unwrap(api.POST('/api/v1/disposal/erasures', { body }));
export const approveDisposal = (run: string, reason: string) => unwrap(api.POST('/api/v1/disposal/runs/{run}/approve', { params: { path: { run } }, body: { reason } }));
export const rejectDisposal = (run: string, reason: string) => unwrap(api.POST('/api/v1/disposal/runs/{run}/reject', { params: { path: { run } }, body: { reason } }));
