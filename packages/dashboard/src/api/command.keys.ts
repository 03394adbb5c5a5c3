/**
 * The idempotency keys of commands whose outcome is not known: an answer that was lost says nothing of what was done. Who
 * then presses the button again asks for the same thing, and it must not happen twice.
 */
const unsettled = new Map<string, string>();

/** The key of a command: a new one, unless the very same was asked for and its answer never came. */
export function keyOfCommand(command: string): string {
  const key = unsettled.get(command) ?? randomKey();
  unsettled.set(command, key);
  return key;
}

/** Whether it was done is known: the next one like it is another. */
export function settle(key: string | null): void {
  for (const [command, known] of unsettled) if (known === key) unsettled.delete(command);
}

/** A form was closed: what is asked for from now on is something else, however alike. */
export function forgetUnsettled(): void {
  unsettled.clear();
}

// The client's own key needs a secure context, which a server on a plain address of the local network is not.
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
