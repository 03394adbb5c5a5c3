import { HoldfastError } from '@holdfast/client';

/** What is wrong with which field, by its pointer: what cannot be read, else what the server said. */
export function fieldErrors(error: unknown, faults: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const problem = error instanceof HoldfastError ? error.problem : null;
  const said = (problem?.errors ?? []).map(({ path, message }) => [path, message] as const);
  const meant = OF_CODE[problem?.code ?? ''];
  return new Map([...(meant === undefined ? [] : [meant]), ...said, ...faults]);
}

/** What is wrong with a field, or with a part of what is written in it: that of `/config/skus/3` is of `/config/skus`. */
export function errorAt(errors: ReadonlyMap<string, string>, pointer: string): string | undefined {
  const whole = errors.get(pointer);
  if (whole !== undefined) return whole;
  const [path, message] = [...errors].find(([other]) => other.startsWith(`${pointer}/`)) ?? [];
  return path === undefined ? undefined : `${path.slice(pointer.length + 1)} ${message}`;
}

/** Refusals that are of one field, and do not name it. */
const OF_CODE: Readonly<Record<string, readonly [pointer: string, message: string]>> = {
  job_name_taken: ['/name', 'Another job has this name.'],
  dependency_cycle: ['/dependencies', 'They would wait for one another in a circle.'],
};

/** The jobs that would wait for one another, by id, each for the one before it; null where that is not the trouble. */
export function circleOf(error: unknown): string[] | null {
  const circle: unknown = error instanceof HoldfastError ? error.problem?.['circle'] : undefined;
  return Array.isArray(circle) ? circle.map(String) : null;
}
