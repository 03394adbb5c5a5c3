import type { Engine } from '../../engine/index.ts';
import { systemClock } from '../../kernel/clock.ts';
import type { Authenticate, Authenticator } from '../../platform/auth/index.ts';
import type { Database } from '../../platform/database/index.ts';
import type { Routes } from '../../platform/http/index.ts';
import type { Passwords } from './passwords.ts';
import { personRoutes } from './person.routes.ts';
import { sessionRoutes } from './session.routes.ts';
import { Throttle } from './throttle.ts';

export interface PeopleOptions {
  engine: Engine;
  database: Database;
  authenticator: Pick<Authenticator, 'isOpen' | 'personCreated' | 'personChanged'>;
  /** As every route does it. */
  authenticate: Authenticate;
  passwords: Passwords;
}

/** People, signing in and sessions. */
export function peopleRoutes({ engine, database, authenticator, authenticate, passwords }: PeopleOptions): Routes {
  const throttle = new Throttle(database, systemClock);
  const deps = { engine, database, authenticator, authenticate, people: authenticator, passwords, throttle };
  return async (app) => {
    await sessionRoutes(deps)(app);
    await personRoutes(deps)(app);
  };
}
