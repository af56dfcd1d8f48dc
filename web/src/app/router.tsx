import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet, redirect } from '@tanstack/react-router';
import { queryClient, recordQuery, sessionQuery } from '../api/queries';
import { FailurePage, NotFoundPage } from '../pages/not-found/NotFoundPage';
import { SearchPage } from '../pages/search/SearchPage';
import { SignInPage } from '../pages/sign-in/SignInPage';
import { AppFrame } from './AppFrame';
import { parseQuery, parseSearchState, paths, stringifyQuery } from './paths';

const root = createRootRoute({ component: Outlet, notFoundComponent: NotFoundPage, errorComponent: FailurePage });

const signIn = createRoute({
  getParentRoute: () => root,
  path: paths.signIn,
  validateSearch: (raw: Record<string, unknown>): { next?: string } => (typeof raw.next === 'string' ? { next: raw.next } : {}),
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
    const { role } = context.session.account;
    throw redirect({ to: role === 'administrator' || role === 'operator' ? paths.status : paths.search });
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

const quarantine = createRoute({
  getParentRoute: () => signedIn,
  path: paths.quarantine,
  component: lazyRouteComponent(() => import('../pages/quarantine/QuarantinePage'), 'QuarantinePage'),
});

const status = createRoute({
  getParentRoute: () => signedIn,
  path: paths.status,
  component: lazyRouteComponent(() => import('../pages/status/StatusPage'), 'StatusPage'),
});

/** Where to go after signing in: only ever a page of ours. */
export function localPath(next: string | undefined): string {
  return next && /^\/(?![/\\])/.test(next) && !next.startsWith(paths.signIn) ? next : '/';
}

export const router = createRouter({
  routeTree: root.addChildren([signIn, signedIn.addChildren([home, search, record, quarantine, status])]),
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
