import { randomUUID } from 'node:crypto';
import { systemClock, type Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import { systemRandom, type Random } from '../../kernel/random.ts';
import type { Database } from '../../platform/database/index.ts';
import { pruneDeliveries, type Kept } from './delivery.sql.ts';
import { loadEndpoint } from './endpoint.load.ts';
import { EndpointRunner, type DeliveryResult, type RunnerDeps } from './endpoint.runner.ts';
import { Latch } from '../../kernel/latch.ts';
import { releaseLease, renewLeases, surveyEndpoints, takeLeases, type Lease, type Survey } from './progress.sql.ts';
import { LEASE_MS, safeUntil } from './settlement.ts';
import { SharedReads } from './shared.reads.ts';
import { Slots } from './slots.ts';
import type { EventSource } from './stream.reader.ts';
import type { Send } from './webhook.sender.ts';
import { selectDisabled } from './webhook.sql.ts';

export interface WebhookWorkerOptions {
  database: Database;
  feed: EventSource;
  send: Send;
  /** Disables an endpoint for good, with its entry in the audit. */
  disable: RunnerDeps['disable'];
  clock?: Clock;
  random?: Random;
  /** How often it looks for endpoints that are new, changed or free. */
  intervalMs?: number;
  onResult?: (result: DeliveryResult) => void;
  onTold?: (message: string, details: object) => void;
  onError?: (error: unknown) => void;
}

export interface WorkerReport {
  /** Endpoints that this instance sends to. */
  held: number;
}

/** Requests at once, beside the one that every endpoint may always have. */
const SLOTS = 64;
const RENEW_EVERY_MS = 2_500;
const PRUNE_EVERY_MS = 60_000;
const PRUNED_AT_ONCE = 5_000;
/** Answers that are on their way when an endpoint is changed or left are waited for so long. */
const GRACE_MS = 500;
const AFTER_ERROR_MS = 1_000;

const DAY_MS = 86_400_000;
const KEPT: Kept = { deliveredMs: 3 * DAY_MS, deliveredMax: 10_000, othersMs: 30 * DAY_MS };

/**
 * Delivers events to webhooks. Any number of instances may run one: each endpoint is sent to by whoever holds its lease,
 * and when a holder dies another takes over within ten seconds, where the last one had noted that it was.
 */
export class WebhookWorker {
  readonly #options: Required<WebhookWorkerOptions>;
  readonly #holder = randomUUID();
  readonly #slots = new Slots(SLOTS);
  readonly #runners = new Map<string, EndpointRunner>();
  readonly #latch = new Latch();
  readonly #unsubscribe: () => void;
  #running: Promise<void> = Promise.resolve();
  #isStarted = false;
  #isStopped = false;
  #renewedMs = -Infinity;
  #prunedMs: number;
  /** The database's clock less the monotonic one. */
  #databaseAheadMs = 0;

  constructor(options: WebhookWorkerOptions) {
    this.#options = {
      clock: systemClock,
      random: systemRandom,
      intervalMs: 700,
      onResult: () => undefined,
      onTold: () => undefined,
      onError: () => undefined,
      ...options,
      feed: new SharedReads(options.feed),
    };
    this.#prunedMs = this.#options.clock.monotonic();
    this.#unsubscribe = this.#options.feed.onAdvance(() => {
      for (const runner of this.#runners.values()) runner.advance();
    });
  }

  /** Endpoints of this instance that seem dead as a whole. */
  get openCircuits(): number {
    return [...this.#runners.values()].filter(({ isCircuitOpen }) => isCircuitOpen).length;
  }

  /** Sees to the leases, then sends whatever can be sent now. Between runs of the started duty it sends all the time. */
  async runOnce(): Promise<WorkerReport> {
    await this.#tend();
    if (!this.#isStarted) await this.send();
    return { held: this.#runners.size };
  }

  /** Sends whatever the endpoints that it holds can be sent now. */
  async send(): Promise<void> {
    for (const runner of this.#runners.values()) runner.advance();
    await Promise.all([...this.#runners.values()].map((runner) => runner.runOnce()));
  }

  start(): void {
    this.#isStarted = true;
    this.#running = this.#run();
  }

  /** Something was changed: look at once. */
  wake(): void {
    this.#latch.set();
  }

  /** Leaves its endpoints to others. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#unsubscribe();
    this.#latch.set();
    await this.#running;
    await Promise.all([...this.#runners.keys()].map((id) => this.#leave(id)));
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      let restMs = this.#options.intervalMs;
      try {
        await this.runOnce();
      } catch (error) {
        restMs = AFTER_ERROR_MS;
        this.#options.onError(error);
      }
      if (!this.#isStopped) await this.#latch.wait(restMs);
    }
  }

  async #tend(): Promise<void> {
    const { database, clock } = this.#options;
    const { nowMs, endpoints } = await surveyEndpoints(database.kysely);
    this.#databaseAheadMs = nowMs - clock.monotonic();
    await this.#renew();
    const known = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]));
    await Promise.all(
      [...this.#runners.values()].map((runner) => this.#compare(runner, known.get(runner.endpoint.id))),
    );
    const free = endpoints.filter(({ id, isFree }) => isFree && !this.#runners.has(id)).length;
    if (free > 0 && !this.#isStopped) await this.#takeSome(free);
    await this.#prune();
  }

  /** A quarter at a time, so that instances that start together share them out. */
  async #takeSome(free: number): Promise<void> {
    const { database, clock } = this.#options;
    const beganMs = clock.monotonic();
    const max = Math.max(2, Math.ceil(free / 4));
    const leases = await takeLeases(database.kysely, { holder: this.#holder, max, leaseMs: LEASE_MS });
    await Promise.all(leases.map((lease) => this.#open(lease, safeUntil(beganMs))));
  }

  async #open(lease: Lease, safeUntilMs: number): Promise<void> {
    const { database, feed, send, clock, random, disable, onResult, onTold, onError } = this.#options;
    const endpoint = await loadEndpoint(database, lease, clock);
    if (endpoint === null) return;
    const newItemId = (): string => newId(Math.floor(clock.monotonic() + this.#databaseAheadMs));
    const runner = new EndpointRunner(endpoint, safeUntilMs, {
      database,
      feed,
      send,
      clock,
      random,
      slots: this.#slots,
      newItemId,
      disable,
      onResult,
      onTold,
      onError,
    });
    this.#runners.set(endpoint.id, runner);
    if (this.#isStarted) runner.start();
  }

  /** One that was changed begins anew, under the same lease; one that is another's, or disabled, is left. */
  async #compare(runner: EndpointRunner, now: Survey | undefined): Promise<void> {
    const { id, lease, version, replays } = runner.endpoint;
    if (runner.isLost || (now !== undefined && now.fence !== lease.fence)) {
      runner.lose();
      await this.#leave(id);
    } else if (now === undefined) {
      await this.#leave(id);
    } else if (now.version !== version || now.replays !== replays) {
      await runner.stop(GRACE_MS);
      this.#runners.delete(id);
      const beganMs = this.#options.clock.monotonic();
      const { kysely } = this.#options.database;
      const held = await renewLeases(kysely, [{ ...lease, position: runner.position }], LEASE_MS);
      if (held.has(id)) await this.#open(lease, safeUntil(beganMs));
    }
  }

  async #leave(id: string): Promise<void> {
    const runner = this.#runners.get(id);
    this.#runners.delete(id);
    if (runner === undefined) return;
    try {
      await runner.stop(GRACE_MS);
      if (!runner.isLost) await releaseLease(this.#options.database.kysely, runner.endpoint.lease);
    } catch (error) {
      // The lease ends by itself.
      this.#options.onError(error);
    }
  }

  async #renew(): Promise<void> {
    const { database, clock } = this.#options;
    const beganMs = clock.monotonic();
    if (this.#runners.size === 0 || beganMs - this.#renewedMs < RENEW_EVERY_MS) return;
    const runners = [...this.#runners.values()];
    const leases = runners.map((runner) => ({ ...runner.endpoint.lease, position: runner.position }));
    const held = await renewLeases(database.kysely, leases, LEASE_MS);
    this.#renewedMs = beganMs;
    for (const runner of runners) {
      if (held.has(runner.endpoint.id)) runner.renewed(safeUntil(beganMs));
      else runner.lose();
    }
  }

  async #prune(): Promise<void> {
    const { database, clock } = this.#options;
    const nowMs = clock.monotonic();
    if (nowMs - this.#prunedMs < PRUNE_EVERY_MS) return;
    this.#prunedMs = nowMs;
    const disabled = await selectDisabled(database.kysely);
    for (const id of [...this.#runners.keys(), ...disabled]) {
      while ((await pruneDeliveries(database.kysely, id, KEPT, PRUNED_AT_ONCE)) >= PRUNED_AT_ONCE && !this.#isStopped);
    }
  }
}
