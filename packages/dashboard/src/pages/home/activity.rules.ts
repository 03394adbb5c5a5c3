import type { Movement } from '../../live/live.rules.ts';

export interface Units {
  onHand: number;
  reserved: number;
  committed: number;
  available: number;
}

/** The last hours in equal steps, oldest first. */
export interface Course {
  /** Of each step's end, in milliseconds since 1970. */
  times: number[];
  onHand: number[];
  reserved: number[];
  committed: number[];
  /** What was available, as far as movements tell: settings as they are now. */
  available: number[];
  /** Movements in each step. */
  movements: number[];
  /** Reservations that were made in each step. */
  holds: number[];
}

/**
 * How the sums went, from what they are now and the movements that led here: each step's end is what came after it, taken
 * away again.
 *
 * @param movements in any order; none older than `fromMs` is missing
 */
export function courseOf(
  now: Units,
  movements: readonly Movement[],
  { fromMs, toMs, steps }: { fromMs: number; toMs: number; steps: number },
): Course {
  const stepMs = (toMs - fromMs) / steps;
  const changes = Array.from({ length: steps }, () => ({ onHand: 0, reserved: 0, committed: 0, count: 0 }));
  const holdsOf = Array.from({ length: steps }, () => new Set<string>());
  for (const movement of movements) {
    const at = Date.parse(movement.at);
    const step = Math.min(steps - 1, Math.floor((at - fromMs) / stepMs));
    const change = changes[step];
    if (change === undefined || step < 0) continue;
    change.onHand += movement.deltaOnHand;
    change.reserved += movement.deltaReserved;
    change.committed += movement.deltaCommitted;
    change.count += 1;
    if (movement.type === 'reserve' && movement.reference !== null) holdsOf[step]?.add(movement.reference.id);
  }
  const course: Course = {
    times: [],
    onHand: [],
    reserved: [],
    committed: [],
    available: [],
    movements: [],
    holds: [],
  };
  let { onHand, reserved, committed, available } = now;
  for (let step = steps - 1; step >= 0; step -= 1) {
    const change = changes[step] ?? { onHand: 0, reserved: 0, committed: 0, count: 0 };
    course.times.push(fromMs + (step + 1) * stepMs);
    course.onHand.push(onHand);
    course.reserved.push(reserved);
    course.committed.push(committed);
    course.available.push(Math.max(0, available));
    course.movements.push(change.count);
    course.holds.push(holdsOf[step]?.size ?? 0);
    onHand -= change.onHand;
    reserved -= change.reserved;
    committed -= change.committed;
    available -= change.onHand - change.reserved - change.committed;
  }
  for (const values of Object.values(course) as number[][]) values.reverse();
  return course;
}
