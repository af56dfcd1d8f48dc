import { queryOptions } from '@tanstack/react-query';
import { api, type Schemas, unwrap } from './client';

export type ApiToken = Schemas['ApiToken'];
export type OpenSession = Schemas['OpenSession'];
export type SignInPolicy = Schemas['SignInPolicy'];

export const factorsQuery = queryOptions({ queryKey: ['me', 'factors'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/me/second-factors', { signal })) });
export const sessionsQuery = queryOptions({ queryKey: ['me', 'sessions'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/me/sessions', { signal })) });
export const tokensQuery = queryOptions({ queryKey: ['me', 'tokens'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/me/tokens', { signal })) });
export const policyQuery = queryOptions({ queryKey: ['sign-in-policy'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/sign-in/policy', { signal })) });
export const accountFactorsQuery = (id: string) => queryOptions({ queryKey: ['account-access', id, 'factors'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/accounts/{id}/second-factors', { params: { path: { id } }, signal })) });
export const accountSessionsQuery = (id: string) => queryOptions({ queryKey: ['account-access', id, 'sessions'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/accounts/{id}/sessions', { params: { path: { id } }, signal })) });
export const accountTokensQuery = (id: string) => queryOptions({ queryKey: ['account-access', id, 'tokens'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/accounts/{id}/tokens', { params: { path: { id } }, signal })) });

export const offerTotp = () => unwrap(api.POST('/api/v1/me/second-factors/totp'));
export const confirmTotp = (ticket: string, code: string) => unwrap(api.POST('/api/v1/me/second-factors/totp/confirm', { body: { ticket, code } }));
export const removeTotp = () => unwrap(api.DELETE('/api/v1/me/second-factors/totp'));
export const offerPasskey = () => unwrap(api.POST('/api/v1/me/second-factors/passkeys'));
export const confirmPasskey = (ticket: string, name: string, credential: unknown) => unwrap(api.POST('/api/v1/me/second-factors/passkeys/confirm', { body: { ticket, name, credential: credential as Record<string, never> } }));
export const removePasskey = (id: string) => unwrap(api.DELETE('/api/v1/me/second-factors/passkeys/{id}', { params: { path: { id } } }));
export const renewRecoveryCodes = () => unwrap(api.POST('/api/v1/me/second-factors/recovery-codes'));
export const endSession = (id: string) => unwrap(api.DELETE('/api/v1/me/sessions/{id}', { params: { path: { id } } }));
export const endOtherSessions = () => unwrap(api.DELETE('/api/v1/me/sessions'));
export const addToken = (body: Schemas['NewApiToken']) => unwrap(api.POST('/api/v1/me/tokens', { body }));
export const endToken = (id: string) => unwrap(api.DELETE('/api/v1/me/tokens/{id}', { params: { path: { id } } }));
export const setPolicy = (body: SignInPolicy) => unwrap(api.PUT('/api/v1/sign-in/policy', { body }));
export const endAccountSessions = (id: string) => unwrap(api.DELETE('/api/v1/accounts/{id}/sessions', { params: { path: { id } } }));
export const resetFactors = (id: string, reason: string) => unwrap(api.POST('/api/v1/accounts/{id}/second-factors/reset', { params: { path: { id } }, body: { reason } }));
export const endAccountToken = (id: string, token: string) => unwrap(api.DELETE('/api/v1/accounts/{id}/tokens/{token}', { params: { path: { id, token } } }));
export const proveSecondFactor = (body: Schemas['SecondFactorProof']) => unwrap(api.POST('/api/v1/session/second-factor', { body }));
export const askPasskey = () => unwrap(api.POST('/api/v1/session/second-factor/passkey'));
