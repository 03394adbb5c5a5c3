import {
  countTouching,
  HUNG_AFTER_MS,
  isDeep,
  takeApart,
  takeFirst,
  type UnderWay,
  type Waiting,
} from './batch.queue.ts';

/** A command for one of the two kinds of lanes. */
export interface Routed extends Waiting {
  /** It can be decided on what is known of stock, as of this state of knowledge; null where its levels must be locked. */
  knownAt: number | null;
}

/** What is under way, as one lane sees it. */
export interface Situation {
  /** On the lane itself: its COMMIT is on its way. */
  ahead: UnderWay | null;
  /** On the other lanes of its kind: those where levels are locked, or those where they are known. */
  beside: readonly UnderWay[];
  /** On lanes of the other kind. */
  others: readonly UnderWay[];
  /** A batch beside has not been heard of for long: its connection may have fallen silent. */
  isHungBeside: boolean;
}

/** @param known the lanes of known levels */
export function situationOf<Lane>(
  lane: Lane,
  underWay: ReadonlyMap<StartedBatch, Lane>,
  known: readonly Lane[],
  nowMs = performance.now(),
): Situation {
  const isKnown = known.includes(lane);
  let ahead: UnderWay | null = null;
  const beside: UnderWay[] = [];
  const others: UnderWay[] = [];
  let isHungBeside = false;
  for (const [batch, at] of underWay) {
    const isOfKind = known.includes(at) === isKnown;
    if (at === lane) ahead = batch;
    else (isOfKind ? beside : others).push(batch);
    isHungBeside ||= at !== lane && isOfKind && nowMs - batch.startedMs > HUNG_AFTER_MS;
  }
  return { ahead, beside, others, isHungBeside };
}

/** A batch, and when it was started, on the monotonic clock. */
export interface StartedBatch extends UnderWay {
  startedMs: number;
}

export interface Limits {
  /** Commands of a batch, at most. */
  batchMax: number;
  /** A second lane starts for no fewer commands than this; never where infinite. */
  secondLaneAt: number;
}

/** Beside a batch that is under way, a second lane starts for one of this share of its size. */
const SECOND_LANE_SHARE = 0.7;
/** Behind a batch whose COMMIT is under way the next is sent when this share of it must wait for its levels. */
const PIPELINED_SHARE = 0.75;
/** Behind a batch of known levels, which has no locks to wait for, the next is sent when it has this share of its size. */
const FOLLOWING_SHARE = 0.25;

const isUnderLocks = ({ knownAt }: Routed): boolean => knownAt === null;

/**
 * What a lane that locks levels should take now; nothing where more had better gather. A batch has a fixed cost, and one
 * that waits for another's locks gains nothing: so the second lane takes what is free of the first one's levels, when
 * there is about as much of it, and what must wait for a lane's levels follows on the same lane.
 */
export function chooseUnderLocks<Command extends Routed>(
  queue: Command[],
  { ahead, beside, others, isHungBeside }: Situation,
  { batchMax, secondLaneAt }: Limits,
): Command[] {
  if (!queue.some(isUnderLocks)) return [];
  if (ahead !== null && countTouching(queue, batchMax, ahead) < ahead.commands * PIPELINED_SHARE) return [];
  const elsewhere = [...beside, ...others];
  // With nothing elsewhere nobody is passed by: one lane alone keeps the order of arrival.
  const isAlone = elsewhere.length === 0 && queue.every(isUnderLocks);
  const take = (least: number): Command[] =>
    isAlone ? takeFirst(queue, batchMax) : takeApart(queue, batchMax, least, elsewhere, isUnderLocks);
  if (ahead !== null || beside.length === 0) return take(1);
  if (secondLaneAt === Number.POSITIVE_INFINITY) return [];
  const largest = Math.max(...beside.map(({ commands }) => commands));
  const least = isHungBeside ? 1 : Math.max(secondLaneAt, Math.ceil(largest * SECOND_LANE_SHARE));
  const free = take(least);
  // Where too many wait, some wait for levels in the database rather than here.
  const isTooMany = free.length === 0 && queue.every(isUnderLocks) && isDeep(queue, Math.max(batchMax, least));
  return isTooMany ? takeFirst(queue, batchMax) : free;
}

/**
 * What a lane of known levels should take now. One such lane alone is faster for as long as few wait: two take the
 * processors from one another, and from Node.
 *
 * @param isFree whether nobody else of this process is at the levels of a command
 */
export function chooseKnown<Command extends Routed>(
  queue: Command[],
  { ahead, beside, others }: Situation,
  { batchMax }: Limits,
  isFree: (command: Command) => boolean,
): Command[] {
  if (beside.length > 0 && !isDeep(queue, batchMax)) return [];
  const least = ahead === null ? 1 : Math.ceil(ahead.commands * FOLLOWING_SHARE);
  const isFit = (command: Command): boolean => !isUnderLocks(command) && isFree(command);
  return takeApart(queue, batchMax, least, [...beside, ...others], isFit);
}
