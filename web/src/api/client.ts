import createClient, { type Middleware } from 'openapi-fetch';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];

/** What the server answered instead of a result (RFC 9457), or that it did not answer (`status` 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Partial<Schemas['Problem']>,
    readonly retryAfterSeconds?: number,
  ) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`);
  }
}

let csrfToken = '';
let onSignedOut: () => void = () => {};

/** Sent with every request that changes something, until the next call. */
export function useCsrfToken(token: string) {
  csrfToken = token;
}

/** Calls `listener` whenever the server says that nobody is signed in any more. */
export function whenSignedOut(listener: () => void) {
  onSignedOut = listener;
}

const guard: Middleware = {
  onRequest({ request }) {
    if (request.method !== 'GET' && csrfToken) request.headers.set('X-CSRF-Token', csrfToken);
    return request;
  },
  onResponse({ request, response }) {
    if (response.status === 401 && !new URL(request.url).pathname.includes('/api/v1/session')) onSignedOut();
    return response;
  },
};

export const api = createClient<paths>({ baseUrl: `${location.origin}/`, credentials: 'same-origin' });
api.use(guard);

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** The result of a call; throws `ApiError` for everything else. */
export async function unwrap<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, { code: 'unreachable' });
  }
  if (answer.response.ok) return answer.data as T;
  const wait = Number(answer.response.headers.get('Retry-After'));
  const problem = typeof answer.error === 'object' && answer.error ? answer.error : {};
  throw new ApiError(answer.response.status, problem, Number.isFinite(wait) && wait > 0 ? wait : undefined);
}
