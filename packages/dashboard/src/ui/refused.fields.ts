import { HoldfastError } from '@holdfast/client';

/** Refusals that are about one field, and do not name it. */
const OF_CODE: Readonly<Record<string, string>> = {
  duplicate_sku: 'sku',
  duplicate_location: 'code',
  duplicate_login: 'login',
  forbidden_target: 'url',
};

/** The names of the fields that a refusal is about, as the request spelled them: `/sku` is `sku`. */
function refusedFields(error: unknown): string[] {
  const problem = error instanceof HoldfastError ? error.problem : null;
  const named = (problem?.errors ?? []).map(({ path }) => path.split('/').at(-1) ?? '');
  const meant = OF_CODE[problem?.code ?? ''];
  return meant === undefined ? named : [...named, meant];
}

/** Marks them in the form, until they are changed, and goes to the first. A field that has no such name is left alone. */
export function markRefused(form: HTMLFormElement, error: unknown): void {
  const fields = refusedFields(error).flatMap((name) => {
    const field = form.elements.namedItem(name);
    return field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement ? [field] : [];
  });
  for (const field of fields) {
    field.setAttribute('aria-invalid', 'true');
    field.addEventListener('input', () => field.removeAttribute('aria-invalid'), { once: true });
  }
  fields[0]?.focus();
}
