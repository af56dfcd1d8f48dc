import type { Key } from '../i18n';
import { paths } from './paths';

/** What an account may do, as the server's table of rights names it. */
export type Permission =
  | 'approve_access' | 'approve_disposal' | 'export_mail' | 'manage_accounts' | 'manage_directories' | 'manage_domains' | 'manage_grants' | 'manage_holds' | 'manage_quarantine' | 'manage_server' | 'manage_settings'
  | 'manage_sign_in' | 'manage_sources' | 'manage_tenants' | 'propose_disposal' | 'read_audit_log' | 'read_log' | 'read_mail' | 'read_retention' | 'read_status'
  | 'request_access' | 'restore_mail' | 'search_mail' | 'set_retention';

export interface ConsolePage {
  path: string;
  title: Key;
  /** One of these opens the page. */
  needs: readonly Permission[];
}

export interface ConsoleGroup {
  title: Key;
  pages: readonly ConsolePage[];
}

/** The console's pages in the order of its navigation. */
export const CONSOLE: readonly ConsoleGroup[] = [
  {
    title: 'nav.overview',
    pages: [
      { path: paths.dashboard, title: 'dashboard.title', needs: ['read_status'] },
      { path: paths.log, title: 'log.title', needs: ['read_log'] },
      { path: paths.status, title: 'system.title', needs: ['read_status'] },
      { path: paths.storage, title: 'storage.title', needs: ['read_status'] },
    ],
  },
  {
    title: 'nav.mail',
    pages: [
      { path: paths.sources, title: 'sources.title', needs: ['manage_sources'] },
      { path: paths.fetch, title: 'fetch.title', needs: ['manage_sources'] },
      { path: paths.connect, title: 'connect.title', needs: ['manage_sources'] },
      { path: paths.domains, title: 'domains.title', needs: ['manage_domains'] },
      { path: paths.queues, title: 'queues.title', needs: ['manage_quarantine'] },
    ],
  },
  {
    title: 'nav.people',
    pages: [
      { path: paths.accounts, title: 'accounts.title', needs: ['manage_accounts'] },
      { path: paths.groups, title: 'groups.title', needs: ['manage_accounts'] },
      { path: paths.grants, title: 'grants.title', needs: ['manage_grants'] },
      { path: paths.directories, title: 'directories.title', needs: ['manage_directories'] },
      { path: paths.signInMethods, title: 'methods.title', needs: ['manage_sign_in'] },
    ],
  },
  {
    title: 'nav.keeping',
    pages: [
      { path: paths.retention, title: 'retention.title', needs: ['read_retention'] },
      { path: paths.disposals, title: 'disposal.title', needs: ['approve_disposal', 'propose_disposal'] },
      { path: paths.matters, title: 'matters.title', needs: ['manage_holds'] },
    ],
  },
  {
    title: 'nav.control',
    pages: [
      { path: paths.evidence, title: 'evidence.title', needs: ['read_retention'] },
      { path: paths.accessRequests, title: 'requests.title', needs: ['request_access', 'approve_access'] },
      { path: paths.audit, title: 'audit.title', needs: ['read_audit_log'] },
    ],
  },
  {
    title: 'nav.organisation',
    pages: [
      { path: paths.selection, title: 'selection.title', needs: ['manage_settings'] },
      { path: paths.settings, title: 'settings.title', needs: ['manage_settings'] },
    ],
  },
  {
    title: 'nav.server',
    pages: [
      { path: paths.tenants, title: 'tenants.title', needs: ['manage_tenants'] },
      { path: paths.server, title: 'server.title', needs: ['manage_server'] },
    ],
  },
];

/** The groups that somebody with these rights sees. */
export function consoleFor(permissions: readonly Permission[]): ConsoleGroup[] {
  return CONSOLE.map((group) => ({ ...group, pages: group.pages.filter((page) => page.needs.some((need) => permissions.includes(need))) })).filter((group) => group.pages.length > 0);
}
