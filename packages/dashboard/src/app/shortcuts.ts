import { useEffect } from 'react';
import { useNavigate } from '@tanstack/react-router';
import { pages } from './page.registry.ts';
import { createStore } from './store.ts';

/** Which of the two is open over the page. */
export const paletteStore = createStore<'palette' | 'keys' | null>(null);

/** Between `g` and the letter of a page. */
const SECOND_KEY_WITHIN_MS = 1_200;

/** Keys that work on every page: Ctrl or Cmd K, `g` and a letter, `?`, and `/` for the search of the page. */
export function useShortcuts(): void {
  const navigate = useNavigate();
  useEffect(() => {
    let goesSinceMs = -Infinity;
    const onKey = (event: KeyboardEvent): void => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        paletteStore.set('palette');
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const goes = performance.now() - goesSinceMs < SECOND_KEY_WITHIN_MS;
      goesSinceMs = event.key === 'g' && !goes ? performance.now() : -Infinity;
      const page = goes ? pages.find(({ key }) => key === event.key) : undefined;
      if (page !== undefined) {
        event.preventDefault();
        void navigate({ to: page.path });
      } else if (event.key === '?') {
        event.preventDefault();
        paletteStore.set('keys');
      } else if (event.key === '/') {
        const search = document.querySelector<HTMLInputElement>('main input[type="search"]');
        if (search === null) return;
        event.preventDefault();
        search.focus();
        search.select();
      }
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [navigate]);
}

/** Letters belong to the field that has the focus, and to a dialog that is open. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.closest('input, textarea, select, dialog, [role="dialog"]') !== null;
}
