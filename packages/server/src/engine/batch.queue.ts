import type { Touch } from './footprint.ts';

/** A command that waits for its batch. */
export interface Waiting extends Touch {
  /** How much of a batch it fills. */
  weight: number;
  /** Batches that it was part of. */
  attempts: number;
}

/** A batch that is under way. */
export interface UnderWay {
  commands: number;
  /** What its commands hold. */
  held: ReadonlySet<string>;
}

/** Of a batch that takes longer the connection may have fallen silent: nobody waits for it who need not. */
export const HUNG_AFTER_MS = 500;
/** Commands of one batch, at most. */
export const BATCH_MAX = 256;
/**
 * Lines of one batch, at most, unless one command alone has more: what a batch costs by itself is little beside so many,
 * and the fewer they are, the sooner another lane finds as many that are free. A batch of so many also fits into the
 * buffer of a socket (200 kB on Linux) while the one before it is worked on; where it did not, PostgreSQL waited for Node.
 */
export const BATCH_WEIGHT_MAX = 200;
/** Tried so often in company, a command goes alone. */
export const ATTEMPTS_TOGETHER = 3;

/** Takes the next batch from the queue: those who came first. */
export function takeFirst<Command extends Waiting>(queue: Command[], batchMax: number): Command[] {
  let weight = 0;
  let count = 0;
  while (count < queue.length && count < batchMax) {
    const next = queue[count] as Command;
    const isAlone = goesAlone(next);
    if (count > 0 && (isAlone || weight + next.weight > BATCH_WEIGHT_MAX)) break;
    weight += next.weight;
    count += 1;
    if (isAlone) break;
  }
  return queue.splice(0, count);
}

/**
 * Takes a batch of commands that need not wait for those under way elsewhere, if there are so many or it is full: none
 * that touches what one of them touches, or one that waits before it.
 *
 * @param isFit whether a command may go where the batch goes; others are passed by
 */
export function takeApart<Command extends Waiting>(
  queue: Command[],
  batchMax: number,
  least: number,
  elsewhere: readonly UnderWay[],
  isFit: (next: Command) => boolean = () => true,
): Command[] {
  const isFree = (next: Command): boolean => isFit(next) && !elsewhere.some((batch) => touches(next, batch));
  const [head] = queue;
  if (head !== undefined && goesAlone(head) && isFree(head)) return queue.splice(0, 1);
  if (queue.length < least) return [];
  const passedBy = new Set<string>();
  const taken = new Set<Command>();
  let weight = 0;
  let isFull = false;
  for (const next of queue.slice(0, batchMax)) {
    const isNext =
      isFree(next) && !goesAlone(next) && !(passedBy.size > 0 && next.asks.some((key) => passedBy.has(key)));
    isFull = isNext && weight > 0 && weight + next.weight > BATCH_WEIGHT_MAX;
    if (isFull) break;
    if (isNext) {
      weight += next.weight;
      taken.add(next);
    } else {
      for (const key of next.holds) passedBy.add(key);
    }
  }
  if (taken.size < least && !isFull) return [];
  const left = queue.filter((pending) => !taken.has(pending));
  queue.length = 0;
  for (const pending of left) queue.push(pending);
  return [...taken];
}

/** How many of those who come next touch what a batch touches. */
export function countTouching(queue: readonly Waiting[], batchMax: number, batch: UnderWay): number {
  let count = 0;
  for (const next of queue.slice(0, batchMax)) if (touches(next, batch)) count += 1;
  return count;
}

function touches({ asks }: Waiting, { held }: UnderWay): boolean {
  return asks.some((key) => held.has(key));
}

function goesAlone({ attempts }: Waiting): boolean {
  return attempts >= ATTEMPTS_TOGETHER;
}

/** Whether more than a whole batch waits, by number or by lines. */
export function isDeep(queue: readonly Waiting[], most: number): boolean {
  if (queue.length >= most) return true;
  let weight = 0;
  for (const pending of queue) weight += pending.weight;
  return weight > BATCH_WEIGHT_MAX;
}
