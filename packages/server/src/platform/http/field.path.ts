/** More wrong fields than these help nobody, and listing them all would cost more than the request did. */
export const ERRORS_MAX = 100;

const PATH_MAX_LENGTH = 300;

/** A JSON Pointer (RFC 6901), cut where a caller made it longer than anyone reads. */
export function pointerTo(keys: Iterable<string | number>): string {
  let pointer = '';
  for (const key of keys) {
    pointer += `/${printable(String(key).replaceAll('~', '~0').replaceAll('/', '~1'))}`;
    if (pointer.length > PATH_MAX_LENGTH) return `${pointer.slice(0, PATH_MAX_LENGTH)}…`;
  }
  return pointer;
}

/** A name that came in, fit to be sent back. */
export function printable(name: string): string {
  const whole = name.toWellFormed().replaceAll('\0', '\u2400');
  return whole.length > PATH_MAX_LENGTH ? `${whole.slice(0, PATH_MAX_LENGTH)}…` : whole;
}
