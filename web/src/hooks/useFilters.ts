import { useNavigate, useSearch } from '@tanstack/react-router';

export type Filters = Record<string, string>;

/** Texts only; what else stands in the address bar is dropped. */
export function parseFilters(raw: Record<string, unknown>): Filters {
  return Object.fromEntries(Object.entries(raw).filter((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== ''));
}

/** The filters of a page, kept in the address bar so that a link shows the same. */
export function useFilters(): [Filters, (change: Record<string, string | undefined>) => void] {
  const filters = parseFilters(useSearch({ strict: false }));
  const navigate = useNavigate();
  const set = (change: Record<string, string | undefined>) => {
    void navigate({ to: '.', search: parseFilters({ ...filters, ...change }), replace: true });
  };
  return [filters, set];
}
