import { createHash } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import { withoutPort } from '../../kernel/address.ts';
import { keepNewest } from '../../kernel/bounded.map.ts';
import type { Clock } from '../../kernel/clock.ts';
import { Problem } from '../../kernel/problem.ts';
import type { Database } from '../../platform/database/index.ts';
import { Gate } from './gate.ts';
import { personProblems } from './person.problems.ts';
import { hasSignedInFrom } from './session.sql.ts';
import { chargeAttempt, heldForMs, type ThrottleKind } from './throttle.rules.ts';
import { deleteForgotten, inShortTransaction, lockAttempts, takeBack, writeAttempts } from './throttle.sql.ts';

const REMEMBERED_MAX = 10_000;

/** An attempt that was let through, to be taken back when it did not fail. */
export type Attempt = Readonly<Record<ThrottleKind, string>>;

/**
 * Slows guessing down, on all instances together. A subject that is known to be held costs the database nothing, and few
 * attempts are counted at once, so that a flood of them leaves the connections to others.
 */
export class Throttle {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #gate = new Gate({ insideMax: 2, waitingMax: 100 });
  /** By subject: until when it is held, on the monotonic clock. */
  readonly #heldUntilMs = new Map<string, number>();

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /**
   * Counts an attempt, as failed until `succeeded` says otherwise.
   *
   * @param loginKey as it was typed, folded: whether there is such a person makes no difference
   * @throws Problem `too_many_attempts`, `overloaded`
   */
  async attempt(loginKey: string, address: string): Promise<Attempt> {
    const attempt = subjectsOf(loginKey, address);
    this.#refuse(this.#knownHoldMs(attempt));
    const heldMs = await this.#gate.run(() => this.#count(attempt, loginKey, address));
    this.#refuse(heldMs);
    return attempt;
  }

  /**
   * Has the password of an attempt checked. What could not be checked, as in a flood of them, was no attempt.
   *
   * @throws what the check throws
   */
  async judge<Verdict>(attempt: Attempt, check: () => Promise<Verdict>): Promise<Verdict> {
    try {
      return await check();
    } catch (error) {
      await this.#takeBack({ forgotten: [], lessened: Object.values(attempt) });
      throw error;
    }
  }

  /** It was the right password: this login starts anew from this address, and elsewhere this attempt is taken back. */
  async succeeded({ pair, address, login }: Attempt): Promise<void> {
    await this.#takeBack({ forgotten: [pair], lessened: [address, login] });
  }

  /** Also the holds that others were told of while it was under way. */
  async #takeBack(subjects: { forgotten: readonly string[]; lessened: readonly string[] }): Promise<void> {
    await takeBack(this.#database.kysely, subjects);
    for (const subject of [...subjects.forgotten, ...subjects.lessened]) this.#heldUntilMs.delete(subject);
  }

  /** For how long it is held; it is counted where that is 0. */
  #count(attempt: Attempt, loginKey: string, address: string): Promise<number> {
    return inShortTransaction(this.#database, async (tx) => {
      const { found, nowMs } = await lockAttempts(tx, Object.values(attempt));
      const before = new Map(found.map((one) => [one.subject, one]));
      const holds = { pair: 0, address: 0, login: 0 };
      for (const kind of KINDS) holds[kind] = heldForMs(before.get(attempt[kind]), nowMs);
      if (holds.login > 0 && (await hasSignedInFrom(tx, { loginKey, network: networkOf(address) }, nowMs)))
        holds.login = 0;
      const heldMs = Math.max(...Object.values(holds));
      if (heldMs > 0) {
        for (const kind of ['pair', 'address'] as const) this.#remember(attempt[kind], holds[kind]);
        return heldMs;
      }
      const after = KINDS.map((kind) => ({
        subject: attempt[kind],
        ...chargeAttempt(kind, before.get(attempt[kind]), nowMs),
      }));
      await writeAttempts(tx, after);
      await deleteForgotten(tx, nowMs);
      return 0;
    });
  }

  #knownHoldMs({ pair, address }: Attempt): number {
    const nowMs = this.#clock.monotonic();
    const holds = [pair, address].map((subject) => (this.#heldUntilMs.get(subject) ?? 0) - nowMs);
    return Math.max(0, ...holds);
  }

  #remember(subject: string, heldMs: number): void {
    if (heldMs <= 0) return;
    keepNewest(this.#heldUntilMs, subject, this.#clock.monotonic() + heldMs, REMEMBERED_MAX);
  }

  #refuse(heldMs: number): void {
    if (heldMs <= 0) return;
    const seconds = Math.ceil(heldMs / 1_000);
    const detail = `Try again in ${seconds} s. Attempts before that are refused and do not count.`;
    throw new Problem(personProblems.tooManyAttempts, detail, {}, { 'retry-after': String(seconds) });
  }
}

const KINDS: readonly ThrottleKind[] = ['pair', 'address', 'login'];

/** Digests: what is typed as a login may be a password. */
function subjectsOf(loginKey: string, address: string): Attempt {
  const network = networkOf(address);
  return {
    pair: digestOf('pair', network, loginKey),
    address: digestOf('address', network),
    login: digestOf('login', loginKey),
  };
}

function digestOf(...parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

/** Whom an address belongs to: of IPv6 the first 64 bits, since one customer has all of the others. */
export function networkOf(address: string): string {
  const bare = withoutPort(address);
  if (!ipaddr.isValid(bare)) return address;
  const parsed = ipaddr.process(bare);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  const bytes = parsed.toByteArray().map((byte, index) => (index < 8 ? byte : 0));
  return `${ipaddr.fromByteArray(bytes).toString()}/64`;
}
