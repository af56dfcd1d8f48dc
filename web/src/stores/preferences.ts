import { useSyncExternalStore } from 'react';

export type Language = 'de' | 'en';
export type Density = 'comfortable' | 'dense';

export interface Preferences {
  /** `null` follows the account, then the browser. */
  language: Language | null;
  density: Density;
  filtersWidth: number;
  listWidth: number;
}

const KEY = 'chancery.preferences';
const DEFAULTS: Preferences = { language: null, density: 'dense', filtersWidth: 232, listWidth: 460 };
const listeners = new Set<() => void>();
let current = load();

function load(): Preferences {
  try {
    return { ...DEFAULTS, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Preferences>) };
  } catch {
    return DEFAULTS;
  }
}

/** Changes and remembers; a browser that forbids storage forgets with the tab. */
export function setPreferences(change: Partial<Preferences>) {
  current = { ...current, ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // The change holds for this page all the same.
  }
  listeners.forEach((listener) => listener());
}

export function usePreferences(): Preferences {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}
