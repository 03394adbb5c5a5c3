import type { StreamEvent } from '../events/index.ts';
import type { AttemptView, DeliveryStatus } from './delivery.schema.ts';

/** An event on its way to one endpoint. */
export interface Item {
  id: string;
  position: number;
  type: string;
  subject: string;
  eventAt: string;
  isReplay: boolean;
  status: DeliveryStatus;
  /** The event; null where it stands in the database and was not needed yet. */
  body: string | null;
  /** It has a row in the log. */
  isStored: boolean;
  /** Nothing is left to do, or a row in the log holds what is: the stream may be left behind. */
  isSettled: boolean;
  attempts: number;
  refusals: number;
  history: AttemptView[];
  /** On the monotonic clock. */
  firstAttemptMs: number | null;
  /** Not before, on the monotonic clock. */
  dueMs: number;
  /** How many events the endpoint had taken when this one was first tried. */
  takenBefore: number;
}

/** An event as it comes from the stream. */
export function newItem(event: StreamEvent, id: string): Item {
  return {
    id,
    position: event.position,
    type: event.type,
    subject: event.subject,
    eventAt: event.time,
    isReplay: false,
    status: 'pending',
    body: event.json,
    isStored: false,
    isSettled: false,
    attempts: 0,
    refusals: 0,
    history: [],
    firstAttemptMs: null,
    dueMs: -Infinity,
    takenBefore: 0,
  };
}

/** Events of one subject, in the order of the stream. Only the first is sent, so that they arrive in that order. */
export interface Lane {
  subject: string;
  items: Item[];
  isBusy: boolean;
  /** Its first event has failed: it, and what comes behind it, stands in the log until it is through. */
  isParked: boolean;
}

/** The lanes of one endpoint: which event may be sent next. */
export class SubjectLanes {
  readonly #lanes = new Map<string, Lane>();
  /** Neither busy nor waiting for a time. */
  readonly #ready = new Set<Lane>();
  /** Their first event is due later. */
  readonly #waiting = new Set<Lane>();

  /** How many events there are, sent ones that were not answered yet included. */
  size = 0;

  /** @returns the lane that it joined */
  add(item: Item): Lane {
    let lane = this.#lanes.get(item.subject);
    if (lane === undefined) {
      lane = { subject: item.subject, items: [], isBusy: false, isParked: false };
      this.#lanes.set(item.subject, lane);
    }
    lane.items.push(item);
    this.size += 1;
    if (lane.items.length === 1) this.#await(lane);
    return lane;
  }

  /** Lanes whose time has come are ready. */
  promote(nowMs: number): void {
    for (const lane of this.#waiting) {
      const [head] = lane.items;
      if (head === undefined || head.dueMs > nowMs) continue;
      this.#waiting.delete(lane);
      this.#ready.add(lane);
    }
  }

  /** When the next waiting lane is due; Infinity where none is. */
  get nextDueMs(): number {
    let next = Infinity;
    for (const { items } of this.#waiting) next = Math.min(next, items[0]?.dueMs ?? Infinity);
    return next;
  }

  get hasReady(): boolean {
    return this.#ready.size > 0;
  }

  /** Takes the lane that has been ready longest. */
  take(): Lane | null {
    for (const lane of this.#ready) return this.#occupy(lane);
    return null;
  }

  /** Takes the ready lane whose first event was tried least: to a dead endpoint it is the fairest probe. */
  takeLeastTried(): Lane | null {
    let least: Lane | null = null;
    for (const lane of this.#ready) {
      if (least === null || (lane.items[0]?.attempts ?? 0) < (least.items[0]?.attempts ?? 0)) least = lane;
    }
    return least === null ? null : this.#occupy(least);
  }

  /** The first event of a lane stays, for its due time. */
  putBack(lane: Lane): void {
    lane.isBusy = false;
    this.#await(lane);
  }

  /** The first event of a lane is through. */
  removeHead(lane: Lane): void {
    lane.isBusy = false;
    lane.items.shift();
    this.size -= 1;
    if (lane.items.length === 0) this.#lanes.delete(lane.subject);
    else this.#await(lane);
  }

  /** The endpoint is back: what waited for it because it was away is due now. */
  recall(nowMs: number): void {
    for (const lane of this.#lanes.values()) {
      const [head] = lane.items;
      if (head === undefined || lane.isBusy) continue;
      head.refusals = 0;
      head.dueMs = Math.min(head.dueMs, nowMs);
    }
    this.promote(nowMs);
  }

  /** The events that stand first in a lane, and those right behind them, whose bodies will be needed soon. */
  bodiesWanted(lane: Lane, max: number): Item[] {
    return lane.items.slice(0, max).filter(({ body }) => body === null);
  }

  #occupy(lane: Lane): Lane {
    this.#ready.delete(lane);
    lane.isBusy = true;
    return lane;
  }

  /** Until {@link promote} says that its time has come. */
  #await(lane: Lane): void {
    this.#waiting.add(lane);
  }
}
