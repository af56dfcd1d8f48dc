import { infiniteQueryOptions, keepPreviousData, QueryClient, queryOptions } from '@tanstack/react-query';
import { linksOf } from '../components/links';
import { api, ApiError, unwrap, useCsrfToken } from './client';

const PAGE_SIZE = 50;
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      refetchOnWindowFocus: false,
      retry: (failures, error) => failures < 2 && (!(error instanceof ApiError) || error.status === 0 || error.status >= 500),
    },
  },
});

/** The session, or `null` when nobody is signed in. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  staleTime: Infinity,
  queryFn: async () => {
    try {
      const session = await unwrap(api.GET('/api/v1/session'));
      useCsrfToken(session.csrfToken);
      return session;
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null;
      throw error;
    }
  },
});

/** Pages of hits; a new query cancels the request of the one before and keeps its hits on screen. */
export const searchQuery = (q: string, sort: string) =>
  infiniteQueryOptions({
    queryKey: ['search', q, sort],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) =>
      unwrap(api.GET('/api/v1/search', { signal, params: { query: { q, sort, zone: ZONE, limit: PAGE_SIZE, ...(pageParam ? { cursor: pageParam } : {}) } } })),
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
    // Coming back from a mail finds the list as it was.
    staleTime: 60_000,
  });

export const suggestQuery = (q: string, caret: number) =>
  queryOptions({
    queryKey: ['suggest', q, caret],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/search/suggest', { signal, params: { query: { q, caret } } })),
    staleTime: 60_000,
    retry: false,
  });

export const recordQuery = (id: string) =>
  queryOptions({
    queryKey: ['record', id],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/records/{id}', { signal, params: { path: { id } } })),
    staleTime: 5 * 60_000,
  });

/** How a mail is proven; what is not sealed yet is asked again. */
export const recordEvidenceQuery = (id: string) =>
  queryOptions({
    queryKey: ['record', id, 'evidence'],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/records/{id}/evidence', { signal, params: { path: { id } } })),
    staleTime: 60_000,
    retry: false,
  });

/** Where the links of a mail's HTML lead. */
export const linksQuery = (id: string) =>
  queryOptions({
    queryKey: ['links', id],
    queryFn: async ({ signal }) => linksOf(await unwrap(api.GET('/api/v1/records/{id}/html', { signal, params: { path: { id }, query: {} }, parseAs: 'text' }))),
    staleTime: Infinity,
  });

export const sourceQuery = (id: string) =>
  queryOptions({
    queryKey: ['source', id],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/records/{id}/source', { signal, params: { path: { id } }, parseAs: 'text' })),
    staleTime: Infinity,
  });

export const statusQuery = queryOptions({
  queryKey: ['status'],
  queryFn: ({ signal }) => unwrap(api.GET('/api/v1/status', { signal })),
  refetchInterval: 5_000,
});

const record = (id: string) => `/api/v1/records/${encodeURIComponent(id)}`;

/** Addresses for frames and downloads: what the browser fetches by itself. */
export const urls = {
  html: (id: string, remote: boolean) => `${record(id)}/html${remote ? '?remote=true' : ''}`,
  proof: (id: string) => `${record(id)}/evidence/proof`,
  eml: (id: string) => `${record(id)}/eml`,
  report: (id: string, contentId: string) => `${record(id)}/reports/${encodeURIComponent(contentId)}/eml`,
  attachment: (id: string, index: number) => `${record(id)}/attachments/${index}`,
};
