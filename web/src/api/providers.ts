import { queryOptions } from '@tanstack/react-query';
import { api, type Schemas, unwrap } from './client';

export type Provider = Schemas['Provider'];
export type ProviderDraft = Schemas['ProviderDraft'];
export type ProviderSettings = Schemas['ProviderSettings'];
export type AccountLink = Schemas['AccountLink'];
export type RoleRule = Schemas['RoleRule'];

/** Who may be asked to sign somebody in; `userName` is what was typed so far. */
export const methodsQuery = (userName: string) => queryOptions({ queryKey: ['sign-in-methods', userName], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/sign-in/methods', { params: { query: userName ? { userName } : {} }, signal })), retry: false, staleTime: 60_000 });
export const providersQuery = queryOptions({ queryKey: ['providers'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/sign-in/providers', { signal })) });

/** Who an account is at the providers. */
export const accountLinksQuery = (id: string) => queryOptions({ queryKey: ['account-access', id, 'links'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/accounts/{id}/links', { params: { path: { id } }, signal })) });

export const linkAccount = (id: string, account: string, subject: string) => unwrap(api.PUT('/api/v1/sign-in/providers/{id}/accounts/{account}', { params: { path: { id, account } }, body: { subject } }));
export const unlinkAccount = (id: string, account: string) => unwrap(api.DELETE('/api/v1/sign-in/providers/{id}/accounts/{account}', { params: { path: { id, account } } }));
export const startAtProvider = (id: string, loginHint: string, returnTo: string) => unwrap(api.POST('/api/v1/sign-in/providers/{id}/start', { params: { path: { id } }, body: { ...(loginHint ? { loginHint } : {}), returnTo } }));
export const addProvider = (body: ProviderDraft) => unwrap(api.POST('/api/v1/sign-in/providers', { body }));
export const changeProvider = (id: string, body: ProviderDraft) => unwrap(api.PUT('/api/v1/sign-in/providers/{id}', { params: { path: { id } }, body }));
export const removeProvider = (id: string) => unwrap(api.DELETE('/api/v1/sign-in/providers/{id}', { params: { path: { id } } }));
export const testProvider = (id: string) => unwrap(api.POST('/api/v1/sign-in/providers/{id}/test', { params: { path: { id } } }));
