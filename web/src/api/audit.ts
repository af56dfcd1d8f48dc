import { infiniteQueryOptions, keepPreviousData } from '@tanstack/react-query';
import { api, type Schemas, unwrap } from './client';

export type AuditEvent = Schemas['AuditEvent'];

export interface AuditFilter {
  q?: string;
  who?: string;
  action?: string;
  outcome?: string;
  since?: string;
  until?: string;
}

/** Pages of events, newest first. */
export const auditQuery = (filter: AuditFilter) =>
  infiniteQueryOptions({
    queryKey: ['audit', filter],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => unwrap(api.GET('/api/v1/audit', { params: { query: { ...filter, ...(pageParam ? { cursor: pageParam } : {}) } }, signal })),
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
  });

/** What the browser downloads. */
export const auditExportUrl = (filter: AuditFilter, format: 'csv' | 'jsonl') => `/api/v1/audit/export?${new URLSearchParams({ ...filter, format }).toString()}`;
