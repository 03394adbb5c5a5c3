import type { Engine } from '../../engine/index.ts';
import { systemClock } from '../../kernel/clock.ts';
import type { Authenticate, Authenticator } from '../../platform/auth/index.ts';
import type { Database } from '../../platform/database/index.ts';
import type { Routes } from '../../platform/http/index.ts';
import { actorRoutes } from './actor.routes.ts';
import type { Passwords } from './passwords.ts';
import { personRoutes } from './person.routes.ts';
import { sessionRoutes } from './session.routes.ts';
import type { SignInListener } from './sign.in.service.ts';
import { Throttle } from './throttle.ts';

export interface PeopleOptions {
  engine: Engine;
  database: Database;
  authenticator: Pick<Authenticator, 'isOpen' | 'personCreated' | 'personChanged'>;
  /** As every route does it. */
  authenticate: Authenticate;
  /** @throws Problem while the server starts and has no database yet: routes that need no key ask for themselves */
  assertServing: () => void;
  passwords: Passwords;
  /** Hears how each attempt to sign in ended. */
  onSignIn: SignInListener;
}

/** People, signing in and sessions. */
export function peopleRoutes(options: PeopleOptions): Routes {
  const { database, authenticator } = options;
  const throttle = new Throttle(database, systemClock);
  const deps = { ...options, people: authenticator, throttle };
  return async (app) => {
    await sessionRoutes(deps)(app);
    await personRoutes(deps)(app);
    await actorRoutes(deps)(app);
  };
}
