import { useEffect } from 'react';

/** The name of the page in the tab and for screen readers. */
export function useTitle(title: string) {
  useEffect(() => {
    document.title = title ? `${title} · Chancery` : 'Chancery';
  }, [title]);
}
