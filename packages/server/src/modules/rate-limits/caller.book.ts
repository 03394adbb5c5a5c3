import type { Caller } from '../../platform/auth/index.ts';
import { addressSubject, isLoopback, OPEN_SERVER } from './subject.rules.ts';

/** What callers rules tell apart. A server without keys takes everybody for a key. */
export const CALLER = { key: 0, user: 1, anonymous: 2 } as const;
export type CallerKind = (typeof CALLER)[keyof typeof CALLER];

/** A caller as rules see it. */
export interface Identity {
  readonly kind: CallerKind;
  /** The key whose counters it uses; of a server without keys, `open`; else null. */
  readonly apiKey: string | null;
  readonly user: string | null;
  /** A small number for what records traffic; 0 for all that are too many. */
  readonly number: number;
}

/** An address as rules see it. */
export interface Peer {
  readonly subject: string;
  readonly isLoopback: boolean;
  readonly number: number;
}

export const IDENTITIES_MAX = 2_048;
export const PEERS_MAX = 4_096;

/** Callers and addresses, each worked out once. */
export class CallerBook {
  #identities = new WeakMap<Caller, Identity>();
  #lastCaller: Caller | null = null;
  #lastIdentity: Identity | null = null;
  #peers = new Map<string, Peer>();
  #successors: ReadonlyMap<string, string> = new Map();
  /** By actor, and by subject: the numbers that are given. */
  readonly #actors = new Map<string, number>();
  readonly #subjects = new Map<string, number>();

  /** Keys that took the place of others, by id. */
  setSuccessors(successors: ReadonlyMap<string, string>): void {
    this.#successors = successors;
    this.#identities = new WeakMap();
    this.#lastCaller = null;
  }

  identityOf(caller: Caller): Identity {
    // Whoever asked last mostly asks again: a server without keys has one caller alone.
    if (caller === this.#lastCaller) return this.#lastIdentity as Identity;
    let identity = this.#identities.get(caller);
    if (identity === undefined) {
      identity = this.#newIdentity(caller.actor);
      this.#identities.set(caller, identity);
    }
    this.#lastCaller = caller;
    this.#lastIdentity = identity;
    return identity;
  }

  /** @param address undefined where the connection is gone already, whatever the types of Fastify say */
  peerOf(address: string | undefined = ''): Peer {
    return this.#peers.get(address) ?? this.#newPeer(address);
  }

  /** Whose counters a key uses, by the id of the key. */
  keySubject(id: string): string {
    return this.#successors.get(id) ?? id;
  }

  /** The names behind the numbers. */
  actorOf(number: number): string | undefined {
    return keyOf(this.#actors, number);
  }

  addressOf(number: number): string | undefined {
    return keyOf(this.#subjects, number);
  }

  #newIdentity(actor: string): Identity {
    const number = numberOf(this.#actors, actor, IDENTITIES_MAX);
    if (actor.startsWith('key:')) {
      return { kind: CALLER.key, apiKey: this.keySubject(actor.slice(4)), user: null, number };
    }
    if (actor.startsWith('user:')) return { kind: CALLER.user, apiKey: null, user: actor.slice(5), number };
    if (actor === OPEN_SERVER) return { kind: CALLER.key, apiKey: OPEN_SERVER, user: null, number };
    return { kind: CALLER.anonymous, apiKey: null, user: null, number };
  }

  #newPeer(address: string): Peer {
    const subject = addressSubject(address);
    const number = numberOf(this.#subjects, subject, PEERS_MAX);
    const peer = { subject, isLoopback: isLoopback(address), number };
    if (this.#peers.size >= PEERS_MAX) this.#peers = new Map();
    this.#peers.set(address, peer);
    return peer;
  }
}

/** From 1; 0 once there are too many. */
function numberOf(numbers: Map<string, number>, name: string, max: number): number {
  const known = numbers.get(name);
  if (known !== undefined) return known;
  if (numbers.size + 1 >= max) return 0;
  const number = numbers.size + 1;
  numbers.set(name, number);
  return number;
}

function keyOf(numbers: ReadonlyMap<string, number>, number: number): string | undefined {
  for (const [name, other] of numbers) if (other === number) return name;
  return undefined;
}
