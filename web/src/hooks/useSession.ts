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

/** What an account may do. The server decides; this only spares people from pages that would refuse them. */
export function permissionsOf(account: Schemas['Account']): readonly Permission[] {
  return account.permissions as Permission[];
}

/** The rights of the person who is signed in. */
export function usePermissions(): readonly Permission[] {
  const session = useSession();
  return session ? permissionsOf(session.account) : [];
}

/** Whether this account reads mail at all: administrators and operators do not. */
export function readsMail(account: Schemas['Account']): boolean {
  return permissionsOf(account).includes('search_mail');
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
