import { IDENTITIES_MAX, PEERS_MAX, type Identity, type Peer } from './caller.book.ts';

/** Requests of ten seconds that agree in route, caller and address. */
export interface TrafficRecord {
  /** The number of the route. */
  route: number;
  identity: number;
  peer: number;
  requests: number;
}

/** Ten seconds. */
export interface TrafficStep {
  atMs: number;
  records: TrafficRecord[];
  /** Requests of which too little is known. */
  dropped: number;
}

export const TRAFFIC_STEP_MS = 10_000;
const STEPS = 360;
const ROUTES_MAX = 256;
/** Records of ten seconds: 360 of these are some 20 MB where every request comes from somewhere else. */
const RECORDS_MAX = 1_000;

interface Step {
  atMs: number;
  /** By a number of 31 bits: route, caller, address. */
  counts: Map<number, { requests: number }>;
  dropped: number;
}

/** What came in during the last hour, in steps of ten seconds: what a rule that is not there yet would have done. */
export class TrafficRecorder {
  #steps: Step[] = [];
  #last: Step = { atMs: 0, counts: new Map(), dropped: 0 };

  note(route: number, identity: Identity, peer: Peer, requests: number, nowMs: number): void {
    const sinceMs = nowMs - this.#last.atMs;
    // A clock that was set back begins a step, or all would be of the last one until it has caught up.
    const step = sinceMs >= 0 && sinceMs < TRAFFIC_STEP_MS ? this.#last : this.#nextStep(nowMs);
    const key = (route * IDENTITIES_MAX + identity.number) * PEERS_MAX + peer.number;
    const known = step.counts.get(key);
    if (known !== undefined) known.requests += requests;
    else if (step.counts.size < RECORDS_MAX && route < ROUTES_MAX) step.counts.set(key, { requests });
    else step.dropped += requests;
  }

  /** Oldest first. */
  recent(nowMs: number): TrafficStep[] {
    const steps = this.#steps.filter(({ atMs }) => atMs > nowMs - STEPS * TRAFFIC_STEP_MS);
    return steps.map(({ atMs, counts, dropped }) => ({
      atMs,
      records: [...counts].map(([key, { requests }]) => ({ ...partsOf(key), requests })),
      dropped,
    }));
  }

  #nextStep(nowMs: number): Step {
    const step = {
      atMs: nowMs - (nowMs % TRAFFIC_STEP_MS),
      counts: new Map<number, { requests: number }>(),
      dropped: 0,
    };
    this.#steps.push(step);
    if (this.#steps.length > STEPS) this.#steps.shift();
    this.#last = step;
    return step;
  }
}

function partsOf(key: number): { route: number; identity: number; peer: number } {
  const rest = Math.floor(key / PEERS_MAX);
  return { route: Math.floor(rest / IDENTITIES_MAX), identity: rest % IDENTITIES_MAX, peer: key % PEERS_MAX };
}
