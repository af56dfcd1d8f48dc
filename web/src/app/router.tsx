import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet, redirect } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { queryClient, recordQuery, sessionQuery } from '../api/queries';
import { parseFilters } from '../hooks/useFilters';
import { readsMail } from '../hooks/useSession';
import { FailurePage, NotFoundPage } from '../pages/not-found/NotFoundPage';
import { SearchPage } from '../pages/search/SearchPage';
import { SignInPage } from '../pages/sign-in/SignInPage';
import { AppFrame } from './AppFrame';
import { parseQuery, parseSearchState, paths, stringifyQuery } from './paths';

const root = createRootRoute({ component: Outlet, notFoundComponent: NotFoundPage, errorComponent: FailurePage });

const signIn = createRoute({
  getParentRoute: () => root,
  path: paths.signIn,
  validateSearch: (raw: Record<string, unknown>): { next?: string; error?: string } => ({ ...(typeof raw.next === 'string' ? { next: raw.next } : {}), ...(typeof raw.error === 'string' ? { error: raw.error } : {}) }),
  beforeLoad: async ({ search }) => {
    const session = await queryClient.ensureQueryData(sessionQuery);
    if (session) throw redirect({ href: localPath(search.next) });
  },
  component: SignInPage,
});

const signedIn = createRoute({
  getParentRoute: () => root,
  id: 'signed-in',
  beforeLoad: async ({ location }) => {
    const session = await queryClient.ensureQueryData(sessionQuery);
    if (!session) throw redirect({ to: paths.signIn, search: location.href === '/' ? {} : { next: location.href } });
    return { session };
  },
  component: AppFrame,
});

const home = createRoute({
  getParentRoute: () => signedIn,
  path: paths.home,
  beforeLoad: ({ context }) => {
    throw redirect({ to: readsMail(context.session.account) ? paths.search : paths.dashboard });
  },
});

const search = createRoute({
  getParentRoute: () => signedIn,
  path: paths.search,
  validateSearch: parseSearchState,
  component: SearchPage,
});

const record = createRoute({
  getParentRoute: () => signedIn,
  path: paths.record,
  loader: ({ params }) => void queryClient.prefetchQuery(recordQuery(params.recordId)),
  component: lazyRouteComponent(() => import('../pages/record/RecordPage'), 'RecordPage'),
});

const profile = createRoute({
  getParentRoute: () => signedIn,
  path: paths.profile,
  component: lazyRouteComponent(() => import('../pages/profile/ProfilePage'), 'ProfilePage'),
});

const exportsRoute = createRoute({
  getParentRoute: () => signedIn,
  path: paths.exports,
  component: lazyRouteComponent(() => import('../pages/exports/ExportsPage'), 'ExportsPage'),
});

const consoleRoute = createRoute({
  getParentRoute: () => signedIn,
  id: 'console',
  component: lazyRouteComponent(() => import('../pages/console/ConsoleLayout'), 'ConsoleLayout'),
});

/** A page of the console: its code comes when it is wanted, its filters stand in the address bar. */
function page<const Path extends string, const Name extends string>(path: Path, load: () => Promise<Record<Name, () => ReactNode>>, name: Name) {
  return createRoute({ getParentRoute: () => consoleRoute, path, validateSearch: parseFilters, component: lazyRouteComponent(load, name) });
}

const consolePages = [
  page(paths.dashboard, () => import('../pages/dashboard/DashboardPage'), 'DashboardPage'),
  page(paths.log, () => import('../pages/log/LogPage'), 'LogPage'),
  page(paths.status, () => import('../pages/status/SystemPage'), 'SystemPage'),
  page(paths.storage, () => import('../pages/storage/StoragePage'), 'StoragePage'),
  page(paths.sources, () => import('../pages/sources/SourcesPage'), 'SourcesPage'),
  page(paths.fetch, () => import('../pages/fetch/FetchPage'), 'FetchPage'),
  page(paths.fetchSource, () => import('../pages/fetch/FetchSourcePage'), 'FetchSourcePage'),
  page(paths.connect, () => import('../pages/connect/ConnectPage'), 'ConnectPage'),
  page(paths.domains, () => import('../pages/domains/DomainsPage'), 'DomainsPage'),
  page(paths.queues, () => import('../pages/queues/QueuesPage'), 'QueuesPage'),
  page(paths.accounts, () => import('../pages/accounts/AccountsPage'), 'AccountsPage'),
  page(paths.account, () => import('../pages/accounts/AccountPage'), 'AccountPage'),
  page(paths.accountImport, () => import('../pages/accounts/ImportPage'), 'ImportPage'),
  page(paths.groups, () => import('../pages/groups/GroupsPage'), 'GroupsPage'),
  page(paths.grants, () => import('../pages/grants/GrantsPage'), 'GrantsPage'),
  page(paths.directories, () => import('../pages/directories/DirectoriesPage'), 'DirectoriesPage'),
  page(paths.directory, () => import('../pages/directories/DirectoryPage'), 'DirectoryPage'),
  page(paths.signInMethods, () => import('../pages/methods/MethodsPage'), 'MethodsPage'),
  page(paths.retention, () => import('../pages/retention/RetentionPage'), 'RetentionPage'),
  page(paths.retentionDraft, () => import('../pages/retention/DraftPage'), 'DraftPage'),
  page(paths.disposals, () => import('../pages/disposals/DisposalsPage'), 'DisposalsPage'),
  page(paths.disposal, () => import('../pages/disposals/DisposalPage'), 'DisposalPage'),
  page(paths.matters, () => import('../pages/matters/MattersPage'), 'MattersPage'),
  page(paths.matter, () => import('../pages/matters/MatterPage'), 'MatterPage'),
  page(paths.evidence, () => import('../pages/evidence/EvidencePage'), 'EvidencePage'),
  page(paths.accessRequests, () => import('../pages/requests/RequestsPage'), 'RequestsPage'),
  page(paths.audit, () => import('../pages/audit/AuditPage'), 'AuditPage'),
  page(paths.selection, () => import('../pages/selection/SelectionPage'), 'SelectionPage'),
  page(paths.settings, () => import('../pages/settings/SettingsPage'), 'SettingsPage'),
  page(paths.tenants, () => import('../pages/tenants/TenantsPage'), 'TenantsPage'),
  page(paths.tenant, () => import('../pages/tenants/TenantPage'), 'TenantPage'),
  page(paths.server, () => import('../pages/server/ServerPage'), 'ServerPage'),
] as const;

/** Where to go after signing in: only ever a page of ours. */
export function localPath(next: string | undefined): string {
  return next && /^\/(?![/\\])/.test(next) && !next.startsWith(paths.signIn) ? next : '/';
}

export const router = createRouter({
  routeTree: root.addChildren([signIn, signedIn.addChildren([home, search, record, profile, exportsRoute, consoleRoute.addChildren(consolePages)])]),
  parseSearch: parseQuery,
  stringifySearch: stringifyQuery,
  defaultPreload: 'intent',
  scrollRestoration: false,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
