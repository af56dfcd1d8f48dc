import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { api, type Schemas, unwrap } from './client';

export type EvidenceStatus = Schemas['EvidenceStatus'];
export type LedgerBatch = Schemas['LedgerBatch'];
export type ScrubStatus = Schemas['ScrubStatus'];
export type SignedReport = Schemas['SignedReport'];

/** What a completeness report counts. */
export interface ReportCounts {
  received: number;
  archived: number;
  merged: number;
  quarantined: { total: number };
  disposed: number;
  addsUp: boolean;
}

const LIVE_MS = 15_000;
const PAGE_SIZE = 100;

export const evidenceQuery = queryOptions({ queryKey: ['evidence'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/evidence', { signal })), refetchInterval: LIVE_MS });
/** From the newest batch back: `last` is its number. */
export const batchesQuery = (last: number) =>
  infiniteQueryOptions({
    queryKey: ['evidence', 'batches', last],
    initialPageParam: Math.max(0, last - PAGE_SIZE),
    queryFn: async ({ pageParam, signal }) => {
      const answer = await unwrap(api.GET('/api/v1/evidence/batches', { params: { query: { after: pageParam, limit: PAGE_SIZE } }, signal }));
      return { after: pageParam, batches: answer.batches };
    },
    getNextPageParam: (page) => (page.after > 0 ? Math.max(0, page.after - PAGE_SIZE) : undefined),
  });
export const reportsQuery = queryOptions({ queryKey: ['evidence', 'reports'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/evidence/reports', { signal })) });

export const beginScrub = () => unwrap(api.POST('/api/v1/evidence/scrub'));
