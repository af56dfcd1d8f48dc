import { api, unwrap } from './client';

type Method = 'DELETE' | 'GET' | 'PATCH' | 'POST' | 'PUT';
type Loose = Record<Method, (path: string, init?: object) => Promise<{ data?: unknown; error?: unknown; response: Response }>>;

interface Ask {
  path?: Record<string, string>;
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  signal?: AbortSignal;
}

/** A call by its address. */
export function call<T = unknown>(method: Method, url: string, { path, query, body, signal }: Ask = {}): Promise<T> {
  return unwrap((api as unknown as Loose)[method](`/api/v1${url}`, { params: { path, query }, ...(body === undefined ? {} : { body }), signal })) as Promise<T>;
}
