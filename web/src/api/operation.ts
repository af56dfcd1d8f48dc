import { queryOptions } from '@tanstack/react-query';
import { api, type Schemas, unwrap } from './client';

export type ConnectCheck = Schemas['ConnectCheck'];
export type ConnectMicrosoft365 = Schemas['ConnectMicrosoft365'];
export type ConnectStep = Schemas['ConnectStep'];
export type LogEntry = Schemas['LogEntry'];
export type NotificationsAnswer = Schemas['NotificationsAnswer'];
export type SettingsAnswer = Schemas['SettingsAnswer'];
export type Severity = Schemas['Severity'];
export type SystemStatus = Schemas['SystemStatus'];

const LIVE_MS = 10_000;

export const systemQuery = queryOptions({ queryKey: ['system'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/system', { signal })), refetchInterval: LIVE_MS });
export const notificationsQuery = queryOptions({ queryKey: ['notifications'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/notifications', { signal })), refetchInterval: LIVE_MS });
export const connectQuery = queryOptions({ queryKey: ['connect'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/connect/microsoft365', { signal })), refetchInterval: LIVE_MS });
export const settingsQuery = queryOptions({ queryKey: ['settings'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/settings', { signal })) });

export const checkConnection = () => unwrap(api.POST('/api/v1/connect/microsoft365/check'));
export const patchSettings = (patch: object) => unwrap(api.PATCH('/api/v1/settings', { body: patch as Record<string, never> }));
export const sendTestMail = (to: string, language: 'de' | 'en') => unwrap(api.POST('/api/v1/notifications/test', { body: { to, language } }));
/** What an `EventSource` listens to. */
export const logUrl = (filter: Record<string, string>) => `/api/v1/log?${new URLSearchParams(filter).toString()}`;
