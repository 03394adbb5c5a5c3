import { HoldfastError } from '@holdfast/client';
import { useEffect, useRef, type RefObject } from 'react';
import classes from './dialog.module.css';

/** Refusals that are about one field, and do not name it. */
const OF_CODE: Readonly<Record<string, string>> = {
  duplicate_sku: 'sku',
  duplicate_location: 'code',
  duplicate_login: 'login',
  forbidden_target: 'url',
  wrong_password: 'currentPassword',
  first_key_needs_admin: 'scopes',
  first_person_needs_admin: 'scopes',
  last_admin: 'scopes',
  insufficient_stock: 'quantity',
  stock_below_promised: 'quantity',
  quantity_out_of_range: 'quantity',
  location_not_found: 'location',
  location_inactive: 'location',
  location_archived: 'location',
  position_gone: 'from',
};

/**
 * For a form: says in it what a refusal is about. A field is found by its `name`, or where a component keeps that to
 * itself by `data-field`: the JSON Pointer of what it is in the request, without the first slash.
 */
export function useRefusedFields(error: unknown): RefObject<HTMLFormElement | null> {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => (form.current === null ? undefined : markRefused(form.current, error)), [error]);
  return form;
}

/** Opens what hides a wrong field, and goes to the first. */
export function showWrongFields(form: HTMLFormElement): void {
  const wrong = [...form.querySelectorAll<HTMLElement>('[aria-invalid="true"]')];
  for (const field of wrong) {
    const hiding = field.closest('details');
    if (hiding !== null) hiding.open = true;
  }
  wrong[0]?.focus();
}

/** Each field has what is wrong with it below itself, until it is changed. Gives the way to take it all back. */
function markRefused(form: HTMLFormElement, error: unknown): () => void {
  const marks = refusalsOf(error).flatMap(({ path, message }) => {
    const found = fieldOf(form, path);
    return found === null ? [] : [mark(found.field, [...found.rest, message].join(' '))];
  });
  if (marks.length > 0) showWrongFields(form);
  return () => {
    for (const takeBack of marks) takeBack();
  };
}

function refusalsOf(error: unknown): { path: string; message: string }[] {
  const problem = error instanceof HoldfastError ? error.problem : null;
  if (problem === null) return [];
  const path = OF_CODE[problem.code];
  return [...(problem.errors ?? []), ...(path === undefined ? [] : [{ path, message: problem.detail }])];
}

/**
 * The field of `/match/path` is `match/path`; that of a part of what is written in one field, `/overrides/vip/limit`, is
 * that field, and the rest says which part; that of `/lines/0/quantity`, where neither is there, is `quantity`.
 */
function fieldOf(form: HTMLFormElement, path: string): { field: HTMLElement; rest: string[] } | null {
  const parts = path.split('/').filter((part) => part !== '');
  const heads = parts.map((_, index) => parts.slice(0, parts.length - index));
  const tails = parts.map((_, index) => parts.slice(index));
  for (const names of [...heads, ...tails]) {
    const name = CSS.escape(names.join('/'));
    const field = form.querySelector<HTMLElement>(`[data-field="${name}"], [name="${name}"]:not([type="hidden"])`);
    const rest = names[0] === parts[0] ? parts.slice(names.length) : [];
    if (field !== null) return { field, rest: rest.map(worded) };
  }
  return null;
}

/** As people count; its escapes are those of RFC 6901, section 4. */
function worded(part: string): string {
  return /^\d+$/.test(part) ? `#${Number(part) + 1}` : part.replaceAll('~1', '/').replaceAll('~0', '~');
}

let marksMade = 0;

function mark(field: HTMLElement, message: string): () => void {
  const place = field.closest<HTMLElement>('.mantine-InputWrapper-root') ?? field;
  const said = document.createElement('p');
  said.className = classes['refused'] ?? '';
  said.id = `refused-${(marksMade += 1)}`;
  said.textContent = message;
  place.append(said);
  // Of a group, all that can be chosen in it.
  const controls = field.matches('input, textarea') ? [field] : [...field.querySelectorAll<HTMLElement>('input')];
  for (const control of controls) {
    control.setAttribute('aria-invalid', 'true');
    control.setAttribute('aria-describedby', `${control.getAttribute('aria-describedby') ?? ''} ${said.id}`.trim());
  }
  const takeBack = (): void => {
    said.remove();
    for (const control of controls) {
      control.removeAttribute('aria-invalid');
      const others = control.getAttribute('aria-describedby')?.replace(said.id, '').trim() ?? '';
      if (others === '') control.removeAttribute('aria-describedby');
      else control.setAttribute('aria-describedby', others);
    }
  };
  place.addEventListener('input', takeBack, { once: true });
  return takeBack;
}
