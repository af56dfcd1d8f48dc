import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { api, type Schemas, unwrap } from './client';

export type Directory = Schemas['Directory'];
export type DirectoryAttributes = Schemas['DirectoryAttributes'];
export type DirectoryConfig = Schemas['DirectoryConfig'];
export type DirectoryPreview = Schemas['DirectoryPreview'];
export type DirectoryProblem = Schemas['DirectoryProblem'];
export type DirectoryRole = Schemas['DirectoryRole'];
export type DirectoryRule = Schemas['DirectoryRule'];
export type DirectoryRun = Schemas['DirectoryRun'];
export type DirectoryTestAnswer = Schemas['DirectoryTestAnswer'];

const LIVE_MS = 3_000;

export const directoriesQuery = queryOptions({
  queryKey: ['directories'],
  queryFn: ({ signal }) => unwrap(api.GET('/api/v1/directories', { signal })),
  refetchInterval: (query) => (query.state.data?.rows.some((row) => row.running) ? LIVE_MS : false),
});
export const directoryQuery = (id: string) =>
  queryOptions({ queryKey: ['directories', id], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/directories/{id}', { params: { path: { id } }, signal })), refetchInterval: (query) => (query.state.data?.running ? LIVE_MS : false) });
export const directoryRunsQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ['directories', id, 'runs'],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => unwrap(api.GET('/api/v1/directories/{id}/runs', { params: { path: { id }, query: pageParam ? { cursor: pageParam } : {} }, signal })),
    getNextPageParam: (page) => page.next ?? undefined,
  });
export const presetsQuery = queryOptions({ queryKey: ['directory-presets'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/directories/presets', { signal })), staleTime: Infinity });

export const addDirectory = (body: Schemas['DirectoryInput']) => unwrap(api.POST('/api/v1/directories', { body }));
export const changeDirectory = (id: string, body: Schemas['DirectoryInput']) => unwrap(api.PUT('/api/v1/directories/{id}', { params: { path: { id } }, body }));
export const removeDirectory = (id: string) => unwrap(api.DELETE('/api/v1/directories/{id}', { params: { path: { id } } }));
export const testDirectory = (body: Schemas['DirectoryTestInput']) => unwrap(api.POST('/api/v1/directories/test', { body }));
export const previewDirectory = (id: string) => unwrap(api.POST('/api/v1/directories/{id}/preview', { params: { path: { id } } }));
export const syncDirectory = (id: string, confirm: boolean) => unwrap(api.POST('/api/v1/directories/{id}/sync', { params: { path: { id } }, body: { confirm } }));
