import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { api, type Schemas, unwrap, useCsrfToken } from '../api/client';
import { sessionQuery } from '../api/queries';
import type { Permission } from '../app/console';
import { paths } from '../app/paths';

/** The session of the person who is signed in; only below the signed-in route. */
export function useSession(): Schemas['Session'] | null {
  return useQuery(sessionQuery).data ?? null;
}

const ROLES: Record<string, readonly Permission[]> = {
  administrator: ['manage_accounts', 'manage_directories', 'manage_domains', 'manage_grants', 'manage_quarantine', 'manage_settings', 'manage_sign_in', 'manage_sources', 'read_log', 'read_status'],
  auditor: ['read_audit_log', 'read_mail', 'request_access', 'search_mail'],
  officer: ['approve_access', 'read_audit_log', 'read_mail', 'request_access', 'search_mail'],
  operator: ['manage_server', 'manage_tenants', 'read_audit_log', 'read_log', 'read_status'],
  user: ['read_mail', 'search_mail'],
};

/** What a role may do. The server decides; this only spares people from pages that would refuse them. */
export function permissionsOf(role: Schemas['AccountRole']): readonly Permission[] {
  return ROLES[role] ?? [];
}

/** The rights of the person who is signed in. */
export function usePermissions(): readonly Permission[] {
  const session = useSession();
  return session ? permissionsOf(session.account.role) : [];
}

/** Whether this role reads mail at all: administrators and operators do not. */
export function readsMail(role: Schemas['AccountRole']): boolean {
  return permissionsOf(role).includes('search_mail');
}

export function useSignOut(): () => Promise<void> {
  const client = useQueryClient();
  const router = useRouter();
  return async () => {
    await unwrap(api.DELETE('/api/v1/session')).catch(() => {});
    useCsrfToken('');
    client.clear();
    client.setQueryData(sessionQuery.queryKey, null);
    await router.navigate({ to: paths.signIn, search: {} });
  };
}
