import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api, type Schemas, unwrap } from './client';

export type Hold = Schemas['Hold'];
export type Matter = Schemas['Matter'];
export type MatterDraft = Schemas['MatterDraft'];
export type MatterPreview = Schemas['MatterPreview'];

const LIVE_MS = 3_000;
/** Whether a hold still has mail to look at. */
const isLooking = (matter: Matter | undefined) => matter?.holds.some((hold) => !hold.released && hold.notExaminedYet > 0) ?? false;

export const mattersQuery = queryOptions({ queryKey: ['matters'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/matters', { signal })), refetchInterval: (query) => (query.state.data?.matters.some(isLooking) ? LIVE_MS : false) });
export const matterQuery = (matter: string) =>
  queryOptions({ queryKey: ['matters', matter], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/matters/{matter}', { params: { path: { matter } }, signal })), refetchInterval: (query) => (isLooking(query.state.data) ? LIVE_MS : false) });
/** Asked again when the holds have found more. */
export const heldMailsQuery = (matter: string, found: number) =>
  infiniteQueryOptions({
    queryKey: ['matters', matter, 'records', found],
    placeholderData: keepPreviousData,
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => unwrap(api.GET('/api/v1/matters/{matter}/records', { params: { path: { matter }, query: pageParam ? { cursor: pageParam } : {} }, signal })),
    getNextPageParam: (page) => page.next ?? undefined,
  });
/** How many mails fit now: a figure alone. */
export const matterPreviewQuery = (body: MatterPreview) =>
  queryOptions({ queryKey: ['matter-preview', body], queryFn: ({ signal }) => unwrap(api.POST('/api/v1/matters/preview', { body, signal })), placeholderData: keepPreviousData, retry: false });

export const openMatter = (body: MatterDraft) => unwrap(api.POST('/api/v1/matters', { body }));
export const changeMatter = (matter: string, body: MatterDraft) => unwrap(api.PUT('/api/v1/matters/{matter}', { params: { path: { matter } }, body }));
export const closeMatter = (matter: string, reason: string) => unwrap(api.POST('/api/v1/matters/{matter}/close', { params: { path: { matter } }, body: { reason } }));
export const placeHold = (matter: string, reason: string) => unwrap(api.POST('/api/v1/matters/{matter}/holds', { params: { path: { matter } }, body: { reason } }));
export const releaseHold = (hold: string, reason: string) => unwrap(api.POST('/api/v1/holds/{hold}/release', { params: { path: { hold } }, body: { reason } }));
