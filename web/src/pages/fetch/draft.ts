import type { FetchConfig, FetchSource, FetchSourceInput } from '../../api/fetch';
import type { Key } from '../../i18n';
import clouds from './clouds.json';

/** A source as the form has it: secrets are empty unless they are to be replaced. */
export interface Draft {
  name: string;
  config: FetchConfig;
  password: string;
  clientSecret: string;
  clientKey: string;
  rules: FetchSource['rules'];
}

export interface FieldsProps {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
  setConfig: (change: Partial<FetchConfig>) => void;
  /** What is wrong with a field, once saving has been tried. */
  fault: (name: FaultName) => string | undefined;
  source: FetchSource | null;
}

export type FaultName = 'address' | 'certificate' | 'clientId' | 'every' | 'mailboxes' | 'moveTo' | 'name' | 'pinned' | 'server' | 'size' | 'tenant' | 'user';
export type Mode = FetchConfig['mode'];
export type Cloud = keyof typeof clouds;

export const CLOUDS = clouds;
export const SIZE_MEBIBYTES_MAX = 100;
const MINUTES_MAX = 1_440;
const HOST = /^[^\s/:@]+$/;
const PIN = /^[0-9a-f]{64}$/i;
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const ADDRESS = /^\S+@\S+$/;

export const NEW_CONFIG: FetchConfig = {
  server: '', protocol: 'auto', security: 'auto', user: '', signIn: 'password', mode: { kind: 'journal', folder: 'INBOX' }, include: [], exclude: [], everyMinutes: 1, idle: false,
  after: { kind: 'delete' }, order: 'oldest-first', enabled: true, oauth: { authority: clouds.worldwide.authority, tenant: '', clientId: '', scope: clouds.worldwide.scope, assertion: 'ps256' },
};

export function draftOf(source: FetchSource | null): Draft {
  const rules = source?.rules ?? { journalReports: true, headers: [], deliveredTo: false };
  return { name: source?.name ?? '', config: source?.config ?? NEW_CONFIG, password: '', clientSecret: '', clientKey: '', rules };
}

/** As the API takes it: an empty secret stays as it is. */
export function inputOf({ name, config, password, clientSecret, clientKey, rules }: Draft): FetchSourceInput {
  return { name: name.trim(), config, rules, password: password || null, clientSecret: clientSecret || null, clientKey: clientKey || null };
}

/** Whether a provider of its own is meant instead of Microsoft. */
export const isOther = (config: FetchConfig): boolean => config.signIn === 'oauth' && typeof config.oauth.tokenUrl === 'string';

/** What still has to be entered, by field. */
export function faultsOf({ name, config }: Draft): Partial<Record<FaultName, Key>> {
  const faults: Partial<Record<FaultName, Key>> = {};
  const { mode, oauth } = config;
  if (!name.trim()) faults.name = 'form.required';
  if (!HOST.test(config.server)) faults.server = 'fetch.serverWrong';
  if (config.pinnedSha256 && !PIN.test(config.pinnedSha256)) faults.pinned = 'fetch.pinnedWrong';
  if (config.everyMinutes < 1 || config.everyMinutes > MINUTES_MAX) faults.every = 'fetch.everyMinutesWrong';
  if (config.mailMebibytesMax && config.mailMebibytesMax > SIZE_MEBIBYTES_MAX) faults.size = 'fetch.sizeMaxWrong';
  if (config.after.kind === 'move' && !config.after.folder.trim()) faults.moveTo = 'form.required';
  if (mode.kind === 'mailbox' && !ADDRESS.test(mode.address)) faults.address = 'fetch.addressWrong';
  if (mode.kind === 'mailboxes' && !mode.everyAccount && (mode.mailboxes ?? []).length === 0) faults.mailboxes = 'fetch.mailboxesNone';
  const app = config.signIn === 'oauth';
  if (!config.user.trim() && !(app && mode.kind === 'mailboxes')) faults.user = 'form.required';
  if (!app) return faults;
  if (!oauth.clientId.trim()) faults.clientId = 'form.required';
  else if (!isOther(config) && !GUID.test(oauth.clientId.trim())) faults.clientId = 'fetch.oauth.idWrong';
  if (!isOther(config) && !oauth.tenant.trim()) faults.tenant = 'form.required';
  return faults;
}

/** One mailbox a line: what signs in, and whose it is where that is not the same. */
export function mailboxesOf(text: string): { user: string; address?: string }[] {
  const lines = text.split(/[\n,;]/).map((line) => line.trim().split(/\s+/)).filter(([user]) => user);
  return lines.map(([user = '', address]) => ({ user, ...(address ? { address } : {}) }));
}

export const mailboxesText = (mailboxes: readonly { user: string; address?: string | null }[]): string => mailboxes.map(({ user, address }) => (address ? `${user} ${address}` : user)).join('\n');
