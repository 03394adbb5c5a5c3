import type { IncomingMessage } from 'node:http';
import { Problem, problems } from '../../kernel/problem.ts';
import { OPEN, type Authenticate, type Caller } from '../../platform/auth/index.ts';
import { liveProblems } from './event.problems.ts';

/** A connection that is served for as long as it lasts. */
export interface LiveConnection {
  /** The request that it began with: whose credentials must go on being good. */
  readonly request: IncomingMessage;
  /** What is written already may still be on its way. */
  readonly isEnded: boolean;
  /** Called four times a second, until it is ended. */
  tick(nowMs: number): void;
  /** Ends it, and says why where that can still be said; a second time cuts it. */
  end(reason: Problem): void;
}

export interface LiveConnectionsOptions {
  authenticate: Authenticate;
  /** On this instance, at once. */
  connectionsMax?: number;
  /** Of one caller. While there are no keys all are one, and there is no such bound. */
  ofCallerMax?: number;
  onError?: (error: unknown) => void;
}

/** Credentials are remembered for a second at most, and looked up anew after half of it: within a second all is seen. */
const TICK_MS = 250;

/** All live connections of one instance: counted, kept alive, and ended when their credentials are. */
export class LiveConnections {
  readonly #authenticate: Authenticate;
  readonly #connectionsMax: number;
  readonly #ofCallerMax: number;
  readonly #onError: (error: unknown) => void;
  readonly #connections = new Map<LiveConnection, Caller['actor']>();
  readonly #ofCallers = new Map<Caller['actor'], number>();
  /** Whose credentials are being looked up. */
  readonly #checking = new Set<LiveConnection>();
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(options: LiveConnectionsOptions) {
    const { authenticate, connectionsMax = 10_000, ofCallerMax = connectionsMax / 4, onError } = options;
    this.#authenticate = authenticate;
    this.#connectionsMax = connectionsMax;
    this.#ofCallerMax = ofCallerMax;
    this.#onError = onError ?? (() => undefined);
  }

  get size(): number {
    return this.#connections.size;
  }

  /**
   * Whether one more may come.
   *
   * @throws Problem `shutting_down`, `too_many_connections` or `too_many_of_caller`
   */
  admit({ actor }: Caller): void {
    if (this.#isClosed) throw new Problem(problems.shuttingDown, 'Connect again: another instance will serve you.');
    if (this.#connections.size >= this.#connectionsMax) {
      throw new Problem(liveProblems.tooManyConnections, 'Wait as long as Retry-After says, or try another instance.');
    }
    const own = this.#ofCallers.get(actor) ?? 0;
    if (own < this.#ofCallerMax || actor === OPEN.actor) return;
    const detail = `${actor} has ${own} live connections here, as many as one caller may have. Close those that nobody reads.`;
    throw new Problem(liveProblems.tooManyOfCaller, detail);
  }

  add(connection: LiveConnection, { actor }: Caller): void {
    if (this.#isClosed) {
      connection.end(shuttingDown());
      return;
    }
    this.#connections.set(connection, actor);
    this.#ofCallers.set(actor, (this.#ofCallers.get(actor) ?? 0) + 1);
    this.#timer ??= setInterval(() => this.tick(), TICK_MS).unref();
  }

  remove(connection: LiveConnection): void {
    const actor = this.#connections.get(connection);
    if (actor === undefined) return;
    this.#connections.delete(connection);
    const left = (this.#ofCallers.get(actor) ?? 0) - 1;
    if (left > 0) this.#ofCallers.set(actor, left);
    else this.#ofCallers.delete(actor);
    if (this.#connections.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Runs by itself while there are connections. */
  tick(): void {
    const nowMs = performance.now();
    for (const connection of this.#connections.keys()) {
      if (!connection.isEnded) connection.tick(nowMs);
      if (!connection.isEnded && !this.#checking.has(connection)) this.#check(connection);
    }
  }

  /** Ends all of them, and takes no more. */
  close(): void {
    this.#isClosed = true;
    for (const connection of this.#connections.keys()) connection.end(shuttingDown());
  }

  /** Asks for the credentials once more, as every request does. */
  #check(connection: LiveConnection): void {
    try {
      const caller = this.#authenticate(connection.request);
      if (!(caller instanceof Promise)) {
        if (!caller.scopes.has('read')) this.#lost(connection, scopeLost());
        return;
      }
      this.#checking.add(connection);
      caller
        .then(({ scopes }) => {
          if (!scopes.has('read')) this.#lost(connection, scopeLost());
        })
        .catch((error: unknown) => this.#lost(connection, error))
        .finally(() => this.#checking.delete(connection));
    } catch (error) {
      this.#lost(connection, error);
    }
  }

  /** While credentials cannot be looked up, a connection goes on: nothing says that it may not. */
  #lost(connection: LiveConnection, error: unknown): void {
    if (connection.isEnded) return;
    if (error instanceof Problem && error.status < 500) connection.end(error);
    else this.#onError(error);
  }
}

function shuttingDown(): Problem {
  return new Problem(problems.shuttingDown, 'This instance stops. Connect again: it resumes where it was.');
}

function scopeLost(): Problem {
  return new Problem(problems.forbidden, 'This needs the scope read, which you have no longer.');
}
