import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { call } from './raw';

export type DirectoryKind = 'active-directory' | 'generic' | 'open-ldap';
export type DirectoryRole = 'administrator' | 'auditor' | 'officer' | 'user';
export interface DirectoryRule { group: string; effect: 'archived' | 'mailbox' | 'role'; role?: DirectoryRole; mailbox?: string; archived?: boolean }
export interface DirectoryAttributes { key?: string; userName?: string[]; firstName?: string[]; lastName?: string[]; displayName?: string[]; mail?: string[]; addresses?: string[]; member?: string[]; groupName?: string[] }
export interface DirectoryConfig {
  kind?: DirectoryKind; hosts: string[]; security?: 'clear' | 'ldaps' | 'start-tls'; allowClear?: boolean; caPem?: string | null; pinnedSha256?: string | null; bindDn?: string;
  peopleBases: string[]; peopleFilter?: string; groupBases?: string[]; groupFilter?: string; allGroups?: boolean; groupNesting?: 'in-chain' | 'walk'; attributes?: DirectoryAttributes;
  shared?: 'disabled-with-mail' | 'exchange-type' | 'never'; rules?: DirectoryRule[]; defaultRole?: DirectoryRole | null; userNamePrefix?: string; adoptLocal?: boolean; signIn?: boolean;
  vanishPercentMax?: number; entriesMax?: number; pageSize?: number; timeoutSeconds?: number; everyMinutes?: number | null; fullEveryHours?: number; enabled?: boolean;
}
export interface DirectoryProblem { entry: string; code: string; detail: string }
export interface DirectoryRun {
  id: string; begunAt: string; endedAt: string; trigger: 'person' | 'schedule'; full: boolean; outcome: 'applied' | 'failed' | 'held-back';
  counts: { entries: number; read: number; groups: number; created: number; adopted: number; changed: number; enabled: number; disabled: number; addressesGiven: number; addressesEnded: number; skipped: number; conflicts: number };
  problems: DirectoryProblem[]; problemsTotal: number; detail: string;
}
export interface Directory { id: string; name: string; config: DirectoryConfig; hasPassword: boolean; createdAt: string; running: boolean; lastRun: DirectoryRun | null }
export interface DirectoryStep { name: string; state: 'done' | 'failed' | 'warning'; detail: string; code: string; certificate: { subject: string; issuer: string; validUntil: string | null; sha256: string } | null }
export interface DirectoryTestAnswer { ok: boolean; steps: DirectoryStep[] }
export interface DirectoryPreview { run: DirectoryRun; planned: { kind: string; userName: string; detail: string }[]; plannedTotal: number }
export interface DirectoryInput { name: string; config: DirectoryConfig; password?: string | null }

const LIVE_MS = 3_000;

export const directoriesQuery = queryOptions({
  queryKey: ['directories'],
  queryFn: ({ signal }) => call<{ rows: Directory[] }>('GET', '/directories', { signal }),
  refetchInterval: (query) => (query.state.data?.rows.some((row) => row.running) ? LIVE_MS : false),
});
export const directoryQuery = (id: string) =>
  queryOptions({ queryKey: ['directories', id], queryFn: ({ signal }) => call<Directory>('GET', '/directories/{id}', { path: { id }, signal }), refetchInterval: (query) => (query.state.data?.running ? LIVE_MS : false) });
export const directoryRunsQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ['directories', id, 'runs'],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => call<{ rows: DirectoryRun[]; next: string | null }>('GET', '/directories/{id}/runs', { path: { id }, query: { cursor: pageParam || undefined }, signal }),
    getNextPageParam: (page) => page.next ?? undefined,
  });
export const presetsQuery = queryOptions({ queryKey: ['directory-presets'], queryFn: ({ signal }) => call<{ presets: DirectoryConfig[] }>('GET', '/directories/presets', { signal }), staleTime: Infinity });

export const addDirectory = (body: DirectoryInput) => call<Directory>('POST', '/directories', { body });
export const changeDirectory = (id: string, body: DirectoryInput) => call<Directory>('PUT', '/directories/{id}', { path: { id }, body });
export const removeDirectory = (id: string) => call('DELETE', '/directories/{id}', { path: { id } });
export const testDirectory = (body: { id?: string; config: DirectoryConfig; password?: string | null }) => call<DirectoryTestAnswer>('POST', '/directories/test', { body });
export const previewDirectory = (id: string) => call<DirectoryPreview>('POST', '/directories/{id}/preview', { path: { id } });
export const syncDirectory = (id: string, confirm: boolean) => call('POST', '/directories/{id}/sync', { path: { id }, body: { confirm } });
