import { useEffect, useRef } from 'react';

export type Shortcuts = Record<string, (event: KeyboardEvent) => void>;

/** Whether keys go into a field right now: shortcuts stay silent then. */
function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName));
}

/** Single keys for the whole page, silent while typing, in menus and under an open dialog. */
export function useShortcuts(shortcuts: Shortcuts, active = true) {
  const latest = useRef(shortcuts);
  latest.current = shortcuts;
  useEffect(() => {
    if (!active) return;
    const listener = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector('[role="dialog"], [role="menu"]')) return;
      // A key that has just closed one is not meant for the page.
      if (event.target instanceof HTMLElement && event.target.closest('[role="dialog"], [role="menu"]')) return;
      const onControl = event.target instanceof HTMLElement && event.target.closest('button, a, [role="tab"], [role="separator"], summary');
      if (onControl && (event.key === 'Enter' || event.key === ' ' || event.key.startsWith('Arrow'))) return;
      const act = latest.current[event.key];
      if (!act) return;
      event.preventDefault();
      act(event);
    };
    window.addEventListener('keydown', listener);
    return () => window.removeEventListener('keydown', listener);
  }, [active]);
}
