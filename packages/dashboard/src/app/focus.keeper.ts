/** Enough for the longest form: what opened it comes before its fields. */
const KNOWN_MAX = 60;

interface Held {
  element: HTMLElement;
  /** The panel or the list that it is in. */
  within: HTMLElement | null;
  path: string;
}

/**
 * A dialog that closes, a button that did its work, a row that scrolls away take the focus with them, and who works by
 * keyboard would begin again at the top of the page. It goes back to what had it before. Gives the way to stop.
 */
export function keepFocus(): () => void {
  let known: Held[] = [];
  const onFocus = ({ target }: FocusEvent): void => {
    if (!(target instanceof HTMLElement)) return;
    const within = target.parentElement?.closest<HTMLElement>('aside, [role="grid"]') ?? null;
    const others = known.filter(({ element }) => element.isConnected && element !== target);
    known = [...others.slice(1 - KNOWN_MAX), { element: target, within, path: location.pathname }];
  };
  const onBlur = ({ target, relatedTarget }: FocusEvent): void => {
    if (relatedTarget !== null || !(target instanceof HTMLElement)) return;
    queueMicrotask(() => {
      // A click beside it: the focus was not lost, it was left.
      if (isHere(target) && isNowhere()) known = [];
    });
  };
  const restore = (): void => {
    const lost = known.at(-1);
    if (lost === undefined || !isNowhere()) return;
    // It waits for its answer, and is there again or gone after.
    if (lost.element.isConnected && lost.element.matches(':disabled')) return;
    placeFor(lost, known)?.focus({ preventScroll: true });
  };
  const observer = new MutationObserver(restore);
  observer.observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ['disabled'] });
  document.addEventListener('focusin', onFocus);
  document.addEventListener('focusout', onBlur);
  return () => {
    observer.disconnect();
    document.removeEventListener('focusin', onFocus);
    document.removeEventListener('focusout', onBlur);
  };
}

function placeFor(lost: Held, known: readonly Held[]): HTMLElement | null {
  const modal = [...document.querySelectorAll<HTMLElement>('[aria-modal="true"]')].at(-1);
  const main = document.getElementById('main');
  if (lost.path !== location.pathname) return modal ?? main;
  if (modal === undefined && lost.within?.isConnected === true && !isHere(lost.element)) {
    return lost.within.matches('[tabindex]') ? lost.within : lost.within.querySelector('[tabindex="-1"]');
  }
  const before = known.findLast(({ element }) => isHere(element) && modal?.contains(element) !== false);
  return before?.element ?? modal?.querySelector<HTMLElement>('input, button') ?? main;
}

function isHere(element: HTMLElement): boolean {
  return element.isConnected && element.checkVisibility() && !element.matches(':disabled');
}

function isNowhere(): boolean {
  return document.activeElement === null || document.activeElement === document.body;
}
