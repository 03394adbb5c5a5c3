import { availableParallelism } from 'node:os';
import { Gate } from './gate.ts';
import {
  hashOfNobody,
  hashPassword,
  PASSWORD_COSTS,
  verifyPassword,
  type PasswordCosts,
  type Verdict,
} from './password.hash.ts';

/** What waits longer than its share of these is better told to come back: 32 checks of 0.1 s are 3 s. */
const WAITING_MAX = 32;
const AT_ONCE_MAX = 4;

/** Makes and checks hashes, few at a time: each takes a core for 0.1 s and 64 MiB, and the cores are for stock. */
export class Passwords {
  readonly #gate = new Gate({
    insideMax: Math.max(1, Math.min(AT_ONCE_MAX, Math.floor(availableParallelism() / 2))),
    waitingMax: WAITING_MAX,
  });
  readonly #costs: PasswordCosts;
  readonly #nobody: string;

  /** @param costs less than usual for tests that sign in often */
  constructor(costs: PasswordCosts = PASSWORD_COSTS) {
    this.#costs = costs;
    this.#nobody = hashOfNobody(costs);
  }

  /** @throws Problem `overloaded` */
  hash(password: string): Promise<string> {
    return this.#gate.run(() => hashPassword(password, { costs: this.#costs }));
  }

  /**
   * Without a stored hash, as for a person who is not there, it does the same work and finds the password wrong.
   *
   * @throws Problem `overloaded`, `password_check_unavailable`
   */
  verify(password: string, stored: string | null): Promise<Verdict> {
    return this.#gate.run(() => verifyPassword(password, stored ?? this.#nobody, this.#costs));
  }
}
