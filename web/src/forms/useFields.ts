import { useState } from 'react';

type Faults<T> = { [K in keyof T]?: string | false | undefined };

export interface Fields<T extends object> {
  values: T;
  set: (change: Partial<T>) => void;
  /** What is wrong with a field, once sending has been tried. */
  error: (name: keyof T) => string | undefined;
  /** Shows all faults from now on; whether there are none. */
  check: () => boolean;
  /** The properties of a text field. */
  text: <K extends keyof T>(name: K) => { name: string; value: T[K]; onChange: (event: { currentTarget: { value: string } }) => void; error: string | undefined };
  /** The properties of a check box or a switch. */
  flag: <K extends keyof T>(name: K) => { name: string; checked: boolean; onChange: (event: { currentTarget: { checked: boolean } }) => void };
  /** The properties of a field that hands over its value. */
  pick: <K extends keyof T>(name: K) => { name: string; value: T[K]; onChange: (value: T[K] | null) => void; error: string | undefined };
}

/** The content of a form; faults stay silent until it is sent for the first time. */
export function useFields<T extends object>(initial: T | (() => T), faultsOf: (values: T) => Faults<T> = () => ({})): Fields<T> {
  const [values, setValues] = useState<T>(initial);
  const [tried, setTried] = useState(false);
  const faults = faultsOf(values);
  const set = (change: Partial<T>) => setValues((before) => ({ ...before, ...change }));
  const error = (name: keyof T): string | undefined => (tried ? (faults as Record<keyof T, string | false | undefined>)[name] || undefined : undefined);
  return {
    values,
    set,
    error,
    check: () => {
      setTried(true);
      return !Object.values(faults).some(Boolean);
    },
    text: (name) => ({ name: String(name), value: values[name], onChange: (event) => set({ [name]: event.currentTarget.value } as unknown as Partial<T>), error: error(name) }),
    flag: (name) => ({ name: String(name), checked: Boolean(values[name]), onChange: (event) => set({ [name]: event.currentTarget.checked } as unknown as Partial<T>) }),
    pick: (name) => ({ name: String(name), value: values[name], onChange: (value) => set({ [name]: value ?? '' } as unknown as Partial<T>), error: error(name) }),
  };
}
