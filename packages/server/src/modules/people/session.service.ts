import type { IncomingMessage } from 'node:http';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { Answer, CommandMeta } from '../../kernel/command.ts';
import { toPage, type Page } from '../../kernel/page.ts';
import { Problem } from '../../kernel/problem.ts';
import {
  expandScopes,
  hashApiKey,
  isScope,
  tokenExpiryIn,
  type Authenticate,
  type Authenticator,
  type Caller,
  type CallerSession,
} from '../../platform/auth/index.ts';
import type { Database } from '../../platform/database/index.ts';
import { personProblems } from './person.problems.ts';
import { actorOf, type PeopleDeps } from './person.service.ts';
import { describeKey } from './person.sql.ts';
import type { PersonSessionQuery, PersonSessionView, SessionView } from './session.schema.ts';
import { endSession, endSessionByToken, listSessions, type PersonSession } from './session.sql.ts';
import type { SignedIn } from './sign.in.service.ts';

export interface SessionDeps {
  database: Database;
  authenticate: Authenticate;
  authenticator: Pick<Authenticator, 'isOpen'>;
}

/** Who asks. Nobody is an answer too: credentials that are not valid are not a refusal here. */
export async function describeSession(deps: SessionDeps, request: IncomingMessage): Promise<SessionView> {
  const caller = await callerOrNobody(deps.authenticate, request);
  const needsAdmin = await deps.authenticator.isOpen();
  if (caller === null) {
    return {
      authenticated: false,
      mode: null,
      name: null,
      personId: null,
      scopes: [],
      expiresAt: null,
      needsAdmin,
    };
  }
  const { mode, name, personId = null, expiresAtMs } = await describeCaller(deps.database, caller, request);
  const expiresAt = expiresAtMs === null ? null : toRfc3339(expiresAtMs);
  return { authenticated: true, mode, name, personId, scopes: [...caller.scopes], expiresAt, needsAdmin };
}

/** The session that was just opened. */
export function viewOfSignedIn({ person, session }: SignedIn): SessionView {
  return {
    authenticated: true,
    mode: 'person',
    name: person.name,
    personId: person.id,
    scopes: [...expandScopes(person.scopes.filter(isScope))],
    expiresAt: toRfc3339(session.idle_ends_at),
    needsAdmin: false,
  };
}

/** Ends the session with this token, if it lives. */
export async function signOut({ engine, people }: PeopleDeps, token: string, requestId: string): Promise<void> {
  const ended: PersonSession[] = [];
  // Whose session it is, is known only inside.
  const meta: CommandMeta = { actor: 'anonymous', requestId, idempotency: null };
  await engine.transact(meta, async (tx, now) => {
    const session = await endSessionByToken(tx, hashApiKey(token), now);
    if (session === undefined) return { status: 204, body: null, journal: [] };
    ended.push(session);
    meta.actor = actorOf(session.person_id);
    return { status: 204, body: null, journal: [signedOut(session)] };
  });
  for (const { person_id: personId } of ended) people.personChanged(personId);
}

/** @throws Problem `session_not_found`: it is another's, or has ended */
export async function endOwnSession(
  { engine, people }: PeopleDeps,
  { id, caller }: { id: string; caller: Pick<Caller, 'session'> },
  meta: CommandMeta,
): Promise<Answer> {
  const { session: own } = caller;
  if (own === undefined) throw sessionNotFound(id);
  try {
    return await engine.transact(meta, async (tx, now) => {
      const session = await endSession(tx, { id, personId: own.personId }, now);
      if (session === undefined) throw sessionNotFound(id);
      return { status: 204, body: null, journal: [signedOut(session)] };
    });
  } finally {
    people.personChanged(own.personId);
  }
}

/** A caller who did not sign in has none. */
export async function pageOfSessions(
  database: Database,
  own: CallerSession | undefined,
  query: PersonSessionQuery,
): Promise<Page<PersonSessionView>> {
  if (own === undefined) return { items: [], nextCursor: null };
  const { limit, cursor } = query;
  const list = { route: 'sessions', person: own.personId };
  const rows = await listSessions(database.kysely, own.personId, { list, cursor, limit });
  return toPage(
    list,
    limit,
    rows,
    (row) => [row.id],
    (row) => personSessionView(row, own),
  );
}

async function callerOrNobody(authenticate: Authenticate, request: IncomingMessage): Promise<Caller | null> {
  try {
    return await authenticate(request);
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return null;
    throw error;
  }
}

interface Described {
  mode: NonNullable<SessionView['mode']>;
  name: string | null;
  personId?: string;
  expiresAtMs: number | null;
}

async function describeCaller(
  database: Database,
  { actor, session }: Caller,
  request: IncomingMessage,
): Promise<Described> {
  if (session !== undefined) return { mode: 'person', ...session };
  if (actor === 'open') return { mode: 'open', name: null, expiresAtMs: null };
  const [kind, name] = splitActor(actor);
  if (kind !== 'key') return { mode: 'token', name, expiresAtMs: tokenExpiryIn(request) };
  const key = await describeKey(database.kysely, name);
  return { mode: 'key', name: key?.name ?? null, expiresAtMs: key?.expires_at ?? null };
}

/** `user:a:b` is the user `a:b`. */
function splitActor(actor: string): [string, string] {
  const colon = actor.indexOf(':');
  return [actor.slice(0, colon), actor.slice(colon + 1)];
}

function personSessionView(row: PersonSession, own: CallerSession): PersonSessionView {
  return {
    id: row.id,
    current: row.id === own.id,
    createdAt: toRfc3339(row.created_at),
    lastSeenAt: toRfc3339(row.last_seen_at),
    expiresAt: toRfc3339(row.idle_ends_at),
    address: row.address,
    userAgent: row.user_agent,
  };
}

function signedOut(session: PersonSession) {
  return { kind: 'person.signed_out', subject: session.person_id, data: { sessionId: session.id } };
}

function sessionNotFound(id: string): Problem {
  return new Problem(personProblems.sessionNotFound, `You have no session with the id ${id}: it may have ended.`);
}
