import { HoldfastError } from '@holdfast/client';

/** What is wrong with which field, by its pointer: what cannot be read, else what the server said. */
export function fieldErrors(error: unknown, faults: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const said = error instanceof HoldfastError ? (error.problem?.errors ?? []) : [];
  return new Map([...said.map(({ path, message }) => [path, message] as const), ...faults]);
}
