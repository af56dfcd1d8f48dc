import { queryOptions } from '@tanstack/react-query';
import { call } from './raw';

export type Severity = 'debug' | 'info' | 'warn' | 'error';
export interface LogEntry { id: number; at: string; severity: Severity; area: string; message: string; tenant: string | null; source: string | null; fields: Record<string, string> }
export interface SystemStatus {
  version: string; catalogSchema: number; operatingSystem: string; hostName: string; processId: number; startedAt: string; uptimeSeconds: number;
  listeners: { protocol: string; address: string }[]; dataFolder: string; disk: { totalBytes: number; freeBytes: number; reserveBytes: number };
  openFiles: number; openFilesMax: number; memoryBytes: number; threads: number; processors: number;
  readiness: { ready: boolean; parts: { part: string; ready: boolean; reason: string }[] };
  lastBackup: { at: string; outcome: string; files: number; bytes: number; bytesCopied: number; seconds: number } | null;
  certificates: { subject: string; notAfter: string; selfSigned: boolean }[]; restartNeeded: string[];
}
export interface Condition { code: string; tenant: string | null; object: string; since: string; facts: Record<string, string> }
export interface NotificationsAnswer { conditions: Condition[]; waiting: number; lastError: string | null }
export type CheckState = 'fail' | 'ok' | 'pending' | 'warn';
export interface ConnectCheck { code: string; state: CheckState; at: string | null; reason: string; detail: string }
export interface ConnectStep { code: string; values: { name: string; value: string }[]; powershell: string }
export interface ConnectMicrosoft365 {
  hostName: string; port: number; archiveDomains: string[]; organisations: string[];
  journalAddresses: { source: string; name: string; address: string; lastReportAt: string | null; lastValidationAt: string | null }[];
  certificate: { subject: string; issuer: string; notAfter: string; selfSigned: boolean }; messageSizeBytesMax: number; steps: ConnectStep[]; checks: ConnectCheck[];
}
export type ServerSettings = Record<string, Record<string, unknown>>;
export interface SettingsAnswer { settings: ServerSettings; fixed: string[]; changed: string[]; restartNeeded: string[]; hasPassword: boolean; hasMetricsToken: boolean }

const LIVE_MS = 10_000;

export const systemQuery = queryOptions({ queryKey: ['system'], queryFn: ({ signal }) => call<SystemStatus>('GET', '/system', { signal }), refetchInterval: LIVE_MS });
export const notificationsQuery = queryOptions({ queryKey: ['notifications'], queryFn: ({ signal }) => call<NotificationsAnswer>('GET', '/notifications', { signal }), refetchInterval: LIVE_MS });
export const connectQuery = queryOptions({ queryKey: ['connect'], queryFn: ({ signal }) => call<ConnectMicrosoft365>('GET', '/connect/microsoft365', { signal }), refetchInterval: LIVE_MS });
export const settingsQuery = queryOptions({ queryKey: ['settings'], queryFn: ({ signal }) => call<SettingsAnswer>('GET', '/settings', { signal }) });

export const checkConnection = () => call<ConnectMicrosoft365>('POST', '/connect/microsoft365/check');
export const patchSettings = (patch: object) => call<SettingsAnswer>('PATCH', '/settings', { body: patch });
export const sendTestMail = (to: string, language: 'de' | 'en') => call('POST', '/notifications/test', { body: { to, language } });
export const logUrl = (filter: Record<string, string>) => `/api/v1/log?${new URLSearchParams(filter).toString()}`;
export const recentLog = (filter: Record<string, string>, signal: AbortSignal) => call<{ entries: LogEntry[] }>('GET', '/log/recent', { query: filter, signal });
