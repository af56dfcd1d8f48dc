/** What the address bar keeps of a search: everything that a colleague needs to see the same. */
export interface SearchState {
  q?: string;
  from?: string[];
  year?: string[];
  kind?: string[];
  attachment?: 'yes' | 'no';
  size?: string[];
  after?: string;
  before?: string;
  sort?: string;
  /** The selected record. */
  id?: string;
}

export const paths = {
  home: '/',
  signIn: '/sign-in',
  search: '/search',
  record: '/records/$recordId',
  profile: '/profile',
  exports: '/exports',
  console: '/admin',
  dashboard: '/admin/dashboard',
  log: '/admin/log',
  status: '/admin/status',
  storage: '/admin/storage',
  sources: '/admin/sources',
  fetch: '/admin/fetch',
  fetchSource: '/admin/fetch/$sourceId',
  connect: '/admin/connect',
  domains: '/admin/domains',
  queues: '/admin/queues',
  accounts: '/admin/accounts',
  account: '/admin/accounts/$accountId',
  accountImport: '/admin/account-import',
  groups: '/admin/groups',
  grants: '/admin/grants',
  directories: '/admin/directories',
  directory: '/admin/directories/$directoryId',
  signInMethods: '/admin/sign-in',
  retention: '/admin/retention',
  retentionDraft: '/admin/retention/draft',
  disposals: '/admin/disposals',
  disposal: '/admin/disposals/$runId',
  matters: '/admin/matters',
  matter: '/admin/matters/$matterId',
  evidence: '/admin/evidence',
  accessRequests: '/admin/access-requests',
  audit: '/admin/audit',
  selection: '/admin/selection',
  settings: '/admin/settings',
  tenants: '/admin/tenants',
  tenant: '/admin/tenants/$tenantId',
  server: '/admin/server',
} as const;

const LISTS = ['from', 'year', 'kind', 'size'] as const;
const TEXTS = ['q', 'attachment', 'after', 'before', 'sort', 'id'] as const;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** Takes what is understood and drops the rest. */
export function parseSearchState(raw: Record<string, unknown>): SearchState {
  const state: SearchState = {};
  for (const name of TEXTS) {
    const value = raw[name];
    if (typeof value !== 'string' || value === '') continue;
    if (name === 'attachment' && value !== 'yes' && value !== 'no') continue;
    if ((name === 'after' || name === 'before') && !DATE.test(value)) continue;
    (state as Record<string, string>)[name] = value;
  }
  for (const name of LISTS) {
    const value = raw[name];
    const list = (Array.isArray(value) ? value : [value]).filter((item): item is string => typeof item === 'string' && item !== '');
    if (list.length > 0) state[name] = list;
  }
  return state;
}

/** Plain `?q=…&from=…&from=…`, readable in a chat message. */
export function stringifyQuery(query: Record<string, unknown>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (typeof item === 'string' && item !== '') params.append(name, item);
    }
  }
  const text = params.toString();
  return text ? `?${text}` : '';
}

export function parseQuery(text: string): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = {};
  for (const [name, value] of new URLSearchParams(text)) {
    const before = query[name];
    query[name] = before === undefined ? value : [before, value].flat();
  }
  return query;
}
