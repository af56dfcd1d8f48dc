import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api, type Schemas, unwrap } from './client';

export type AccountDetail = Schemas['AccountDetail'];
export type AccountEntry = Schemas['AccountEntry'];
export type AccountKind = Schemas['AccountKind'];
export type AccountRole = Schemas['AccountRole'];
export type AccessRequest = Schemas['AccessRequest'];
export type Grant = Schemas['Grant'];
export type GrantKind = Schemas['GrantKind'];
export type GroupEntry = Schemas['GroupEntry'];
export type NamedAccount = Schemas['NamedAccount'];

export interface AccountFilter {
  q?: string;
  role?: AccountRole;
  kind?: AccountKind;
  disabled?: boolean;
  archived?: boolean;
  directory?: string;
  group?: string;
}

const PAGE_SIZE = 100;

/** Pages of accounts; a new filter cancels the request of the one before. */
export const accountsQuery = (filter: AccountFilter) =>
  infiniteQueryOptions({
    queryKey: ['accounts', 'list', filter],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => unwrap(api.GET('/api/v1/accounts', { params: { query: { ...filter, limit: PAGE_SIZE, ...(pageParam ? { cursor: pageParam } : {}) } }, signal })),
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
  });
export const accountQuery = (account: string) => queryOptions({ queryKey: ['accounts', account], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/accounts/{id}', { params: { path: { id: account } }, signal })) });
export const groupsQuery = queryOptions({ queryKey: ['groups'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/groups', { signal })) });
export const groupQuery = (group: string) => queryOptions({ queryKey: ['groups', group], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/groups/{group}', { params: { path: { group } }, signal })) });
export const grantsQuery = (filter: { account?: string; group?: string; mailbox?: string; standing?: boolean }) =>
  infiniteQueryOptions({
    queryKey: ['grants', filter],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => unwrap(api.GET('/api/v1/grants', { params: { query: { ...filter, ...(pageParam ? { cursor: pageParam } : {}) } }, signal })),
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
  });
export const accessRequestsQuery = infiniteQueryOptions({
  queryKey: ['access-requests'],
  initialPageParam: '',
  queryFn: ({ pageParam, signal }) => unwrap(api.GET('/api/v1/access-requests', { params: { query: pageParam ? { cursor: pageParam } : {} }, signal })),
  getNextPageParam: (page) => page.next ?? undefined,
});
export const mailboxesQuery = (q: string) => queryOptions({ queryKey: ['mailboxes', q], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/mailboxes', { params: { query: q ? { q } : {} }, signal })), placeholderData: keepPreviousData });

export const addAccount = (body: Schemas['NewAccount']) => unwrap(api.POST('/api/v1/accounts', { body }));
export const changeAccount = (account: string, body: Schemas['ChangeAccount']) => unwrap(api.PATCH('/api/v1/accounts/{id}', { params: { path: { id: account } }, body }));
export const resetPassword = (account: string) => unwrap(api.POST('/api/v1/accounts/{id}/password-reset', { params: { path: { id: account } } }));
export const giveAddress = (account: string, body: Schemas['GiveAddress']) => unwrap(api.POST('/api/v1/accounts/{id}/addresses', { params: { path: { id: account } }, body }));
export const endAddress = (account: string, address: string) => unwrap(api.DELETE('/api/v1/accounts/{id}/addresses/{address}', { params: { path: { id: account, address } } }));
export const selectAccounts = (archived: boolean, accounts: string[] | null) => unwrap(api.POST('/api/v1/accounts/selection', { body: { archived, ...(accounts ? { accounts } : {}) } }));
export const addGroup = (body: Schemas['NewGroup']) => unwrap(api.POST('/api/v1/groups', { body }));
export const changeGroup = (group: string, body: Schemas['ChangeGroup']) => unwrap(api.PATCH('/api/v1/groups/{group}', { params: { path: { group } }, body }));
export const removeGroup = (group: string) => unwrap(api.DELETE('/api/v1/groups/{group}', { params: { path: { group } } }));
export const addGrant = (body: Schemas['NewGrant']) => unwrap(api.POST('/api/v1/grants', { body }));
export const revokeGrant = (grant: string, reason: string) => unwrap(api.POST('/api/v1/grants/{grant}/revoke', { params: { path: { grant } }, body: { reason } }));
export const askAccess = (body: Schemas['NewAccessRequest']) => unwrap(api.POST('/api/v1/access-requests', { body }));
export const approveAccess = (request: string, reason: string) => unwrap(api.POST('/api/v1/access-requests/{request}/approve', { params: { path: { request } }, body: { reason } }));
export const rejectAccess = (request: string, reason: string) => unwrap(api.POST('/api/v1/access-requests/{request}/reject', { params: { path: { request } }, body: { reason } }));
export const revokeAccess = (request: string, reason: string) => unwrap(api.POST('/api/v1/access-requests/{request}/revoke', { params: { path: { request } }, body: { reason } }));

export type AccountImport = Schemas['AccountImport'];

/** Sent as it is: the server judges bytes and encoding. */
const sheet = (file: File) => ({ body: file as unknown as string, bodySerializer: (body: unknown) => body as BodyInit, headers: { 'Content-Type': 'text/csv' } });

export const previewAccounts = (file: File) => unwrap(api.POST('/api/v1/accounts/import/preview', sheet(file)));
export const importAccounts = (file: File, digest: string) => unwrap(api.POST('/api/v1/accounts/import', { params: { query: { digest } }, ...sheet(file) }));
export const accountExportUrl = '/api/v1/accounts/export';
