import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { api, type Schemas, unwrap, useCsrfToken } from '../api/client';
import { sessionQuery } from '../api/queries';
import { paths } from '../app/paths';

/** The session of the person who is signed in; only below the signed-in route. */
export function useSession(): Schemas['Session'] | null {
  return useQuery(sessionQuery).data ?? null;
}

/** Whether this role reads mail at all: administrators and operators do not. */
export function readsMail(role: Schemas['AccountRole']): boolean {
  return role === 'user' || role === 'auditor';
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
