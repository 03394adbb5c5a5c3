import { newId } from '../../kernel/ids.ts';
import { Problem, problems } from '../../kernel/problem.ts';
import { generateSessionToken, hashApiKey } from '../../platform/auth/index.ts';
import { personProblems } from './person.problems.ts';
import { foldLogin } from './person.rules.ts';
import { actorOf, type PeopleDeps } from './person.service.ts';
import { findByLogin, noteSignIn, type Person } from './person.sql.ts';
import type { SignInBody } from './session.schema.ts';
import {
  deleteOldSessions,
  endSessionByToken,
  endSurplusSessions,
  insertSession,
  type PersonSession,
} from './session.sql.ts';
import { networkOf, type Throttle } from './throttle.ts';

/** Where a person sits. */
export interface SignInFrom {
  address: string;
  userAgent: string | null;
  /** Of the session that the browser still has: it ends. */
  token: string | null;
  requestId: string;
}

export interface SignedIn {
  person: Person;
  session: PersonSession;
  /** For the cookie; kept nowhere. */
  token: string;
}

const USER_AGENT_MAX = 300;

/** `outcome` is `signed_in`, or the code of the refusal. The login is not told: it may be a password that was typed there. */
export type SignInListener = (outcome: string, from: Pick<SignInFrom, 'address' | 'requestId'>) => void;

/** Signs in, and says how it ended. */
export async function signInAndTell(
  deps: PeopleDeps & { throttle: Throttle; onSignIn: SignInListener },
  body: SignInBody,
  from: SignInFrom,
): Promise<SignedIn> {
  try {
    const signedIn = await signIn(deps, body, from);
    deps.onSignIn('signed_in', from);
    return signedIn;
  } catch (error) {
    deps.onSignIn(error instanceof Problem ? error.code : problems.internal.code, from);
    throw error;
  }
}

/**
 * Whether there is no such person, the person is disabled or the password is wrong: the same work, and the same answer.
 *
 * The session's token is always a new one of ours, so that nobody can make a person use one that he knows.
 *
 * @throws Problem `wrong_credentials`, `too_many_attempts`, `overloaded`
 */
async function signIn(
  deps: PeopleDeps & { throttle: Throttle },
  { login, password }: SignInBody,
  from: SignInFrom,
): Promise<SignedIn> {
  const { database, passwords, throttle } = deps;
  const loginKey = foldLogin(login);
  const attempt = await throttle.attempt(loginKey, from.address);
  const { person, stored, verdict } = await throttle.judge(attempt, async () => {
    const found = await findByLogin(database.kysely, loginKey);
    const hash = found?.password_hash ?? null;
    return { person: found, stored: hash, verdict: await passwords.verify(password, hash) };
  });
  if (person === undefined || stored === null || verdict === 'wrong' || person.disabled_at !== null) {
    throw wrongCredentials();
  }
  // Before what may fail for other reasons: whoever tries again then has guessed nothing.
  await throttle.succeeded(attempt);
  const rehashed = verdict === 'outdated' ? await passwords.hash(password) : null;
  return openSession(deps, { id: person.id, checked: stored, rehashed }, from);
}

async function openSession(
  { engine, people }: PeopleDeps,
  person: { id: string; checked: string; rehashed: string | null },
  from: SignInFrom,
): Promise<SignedIn> {
  const opened: (SignedIn & { endedOf: Set<string> })[] = [];
  const meta = { actor: actorOf(person.id), requestId: from.requestId, idempotency: null };
  await engine.transact(meta, async (tx, now) => {
    const row = await noteSignIn(tx, person, now);
    if (row === undefined) throw wrongCredentials();
    const before = from.token === null ? undefined : await endSessionByToken(tx, hashApiKey(from.token), now);
    const token = generateSessionToken();
    const { address } = from;
    const userAgent = from.userAgent?.slice(0, USER_AGENT_MAX) ?? null;
    const tokenHash = hashApiKey(token);
    const network = networkOf(address);
    const session = await insertSession(
      tx,
      { id: newId(now), personId: row.id, tokenHash, address, network, userAgent },
      now,
    );
    const endedOf = new Set(before === undefined ? [] : [before.person_id]);
    if (await endSurplusSessions(tx, row.id, now)) endedOf.add(row.id);
    await deleteOldSessions(tx, now);
    opened.push({ person: row, session, token, endedOf });
    const data = { id: row.id, login: row.login, name: row.name, sessionId: session.id, address };
    return { status: 201, body: null, journal: [{ kind: 'person.signed_in', subject: row.id, data }] };
  });
  const last = opened.at(-1);
  if (last === undefined) throw new Error('a session was opened without a trace');
  for (const personId of last.endedOf) people.personChanged(personId);
  return last;
}

function wrongCredentials(): Problem {
  return new Problem(personProblems.wrongCredentials, 'Check both. Capitals count in the password, not in the login.');
}
