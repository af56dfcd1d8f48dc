import { queryOptions } from '@tanstack/react-query';
import { api, type Schemas, unwrap } from './client';

export type ChosenMails = Schemas['ChosenMails'];
export type MailJob = Schemas['MailJob'];
export type NewExport = Schemas['NewExport'];
export type NewRestore = Schemas['NewRestore'];

const LIVE_MS = 2_000;
const isOpen = (job: MailJob) => job.state === 'running' || job.state === 'waiting';

/** What was asked for; the server writes it as it understood it. */
export interface JobRequest {
  which?: { matter?: string; query?: string; records?: string[] };
  evidence?: boolean;
  format?: 'eml' | 'mbox';
  target?: { kind: 'address'; address: string } | { kind: 'imap'; host: string; user: string; folder: string | null };
  reason?: string;
}

/** What came of it, as far as this is known. */
export interface JobResult {
  mails?: number;
  bytes?: number;
  withheld?: number;
  notSealed?: number;
  damaged?: { record: string; why: string }[];
  error?: string;
}

export const exportsQuery = queryOptions({ queryKey: ['exports'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/exports', { signal })), refetchInterval: (query) => (query.state.data?.exports.some(isOpen) ? LIVE_MS : false) });
export const restoresQuery = queryOptions({ queryKey: ['restores'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/restores', { signal })), refetchInterval: (query) => (query.state.data?.restores.some(isOpen) ? LIVE_MS : false) });
export const exportFileUrl = (job: string) => `/api/v1/exports/${encodeURIComponent(job)}/file`;

export const beginExport = (body: NewExport) => unwrap(api.POST('/api/v1/exports', { body }));
export const cancelExport = (job: string) => unwrap(api.POST('/api/v1/exports/{export}/cancel', { params: { path: { export: job } } }));
export const removeExport = (job: string) => unwrap(api.DELETE('/api/v1/exports/{export}', { params: { path: { export: job } } }));
export const beginRestore = (body: NewRestore) => unwrap(api.POST('/api/v1/restores', { body }));
export const cancelRestore = (job: string) => unwrap(api.POST('/api/v1/restores/{restore}/cancel', { params: { path: { restore: job } } }));
