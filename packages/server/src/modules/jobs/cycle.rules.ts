import { append } from '../../kernel/grouping.ts';
import type { RunStatus } from './job.schema.ts';

export interface Edge {
  job: string;
  dependsOn: string;
}

/** Who waits for whom, among all jobs. */
export class JobGraph {
  readonly #dependencies = new Map<string, string[]>();
  readonly #dependents = new Map<string, string[]>();

  constructor(edges: readonly Edge[]) {
    for (const { job, dependsOn } of edges) {
      append(this.#dependencies, job, dependsOn);
      append(this.#dependents, dependsOn, job);
    }
  }

  dependenciesOf(job: string): readonly string[] {
    return this.#dependencies.get(job) ?? [];
  }

  dependentsOf(job: string): readonly string[] {
    return this.#dependents.get(job) ?? [];
  }

  /** Whether anything waits for it, or it for anything. */
  isConnected(job: string): boolean {
    return this.#dependencies.has(job) || this.#dependents.has(job);
  }

  /** All that comes after it. */
  descendantsOf(job: string): Set<string> {
    return reach([job], (id) => this.dependentsOf(id));
  }

  /** All that it is connected with, itself among it. */
  graphOf(job: string): Set<string> {
    const others = reach([job], (id) => [...this.dependentsOf(id), ...this.dependenciesOf(id)]);
    return others.add(job);
  }

  /** The circle that a job is part of: from it back to it, each waiting for the one before; null where there is none. */
  circleThrough(job: string): string[] | null {
    const cameFrom = new Map<string, string>();
    const open = [job];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      for (const next of this.dependenciesOf(id)) {
        if (next === job) return pathTo(id, cameFrom, job);
        if (!cameFrom.has(next)) {
          cameFrom.set(next, id);
          open.push(next);
        }
      }
    }
    return null;
  }
}

/** What becomes of a job whose dependencies may all be over. */
export type Turn = 'wait' | 'run' | 'skip' | 'hold';

/**
 * @param ran how the run of each dependency in the cycle stands; undefined where it has none
 */
export function turnOf(ran: readonly (RunStatus | undefined)[], afterFailure: 'skip' | 'run' | 'hold'): Turn {
  if (ran.some((status) => status === undefined || !isOver(status))) return 'wait';
  return ran.every((status) => status === 'succeeded') ? 'run' : afterFailure;
}

const OVER: ReadonlySet<RunStatus> = new Set(['succeeded', 'failed', 'cancelled', 'skipped']);

export function isOver(status: RunStatus): boolean {
  return OVER.has(status);
}

function reach(from: readonly string[], next: (id: string) => readonly string[]): Set<string> {
  const found = new Set<string>();
  const open = [...from];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    for (const other of next(id)) {
      if (found.has(other)) continue;
      found.add(other);
      open.push(other);
    }
  }
  return found;
}

function pathTo(end: string, cameFrom: ReadonlyMap<string, string>, start: string): string[] {
  const path = [start];
  for (let id: string | undefined = end; id !== undefined && id !== start; id = cameFrom.get(id)) path.push(id);
  return [...path, start];
}
