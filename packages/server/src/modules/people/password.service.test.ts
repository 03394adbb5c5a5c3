import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import { Problem, problems } from '../../kernel/problem.ts';
import { changePassword } from './password.service.ts';
import { Passwords } from './passwords.ts';
import { BEN, browserElsewhere, makePersonAs, signInAda, type Browser } from './people.fixture.ts';
import { signInAndTell } from './sign.in.service.ts';
import { Throttle } from './throttle.ts';

const NEW = 'seven loud geese on the lawn';

const CHEAP = { argon2id: { m: 64, t: 1, p: 1 }, scrypt: { ln: 4, r: 8, p: 1 } };

/** Something comes to pass while a password is checked. */
class Meanwhile extends Passwords {
  readonly #happens: () => Promise<void>;

  constructor(happens: () => Promise<void>) {
    super(CHEAP);
    this.#happens = happens;
  }

  override async verify(password: string, stored: string | null) {
    const verdict = await super.verify(password, stored);
    await this.#happens();
    return verdict;
  }
}

let app: TestApp;
let ada: Browser;
beforeAll(async () => {
  app = await startTestApp();
  ({ ada } = await signInAda(() => app));
});
afterAll(() => app.close());

const stranger = (): Browser => browserElsewhere(() => app);

const depsWhere = (happens: () => Promise<void>) => ({
  engine: app.server.engine,
  database: app.database,
  people: app.server.authenticator,
  passwords: new Meanwhile(happens),
  throttle: new Throttle(app.database, { now: Date.now, monotonic: () => performance.now() }),
  onSignIn: () => undefined,
});

async function outcomeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => null,
    (refusal: unknown) => refusal,
  );
  return error === null ? 'through' : String((error as { code?: unknown }).code);
}

test('whoever knew the old password is out, also while it was being checked', async () => {
  const id = await makePersonAs(ada, { ...BEN, login: 'stolen', scopes: ['read'] });
  const thief = stranger();
  await thief.signIn('stolen', BEN.password);
  const { items } = (await thief.ask('GET', '/sessions')).body;
  const session = { id: items[0].id as string, personId: id, name: BEN.name, expiresAtMs: Date.now() + 60_000 };
  const deps = depsWhere(async () => {
    expect((await ada.ask('POST', `/people/${id}/password`, { body: { password: NEW } })).status).toBe(204);
  });
  const caller = { actor: `user:${id}`, scopes: new Set(['read'] as const), session };
  const meta = { actor: caller.actor, requestId: 'r', idempotency: null };
  const body = { password: 'the words of the thief', currentPassword: BEN.password };
  expect(await outcomeOf(changePassword(deps, { id, caller, address: '203.0.113.50' }, body, meta))).toBe(
    'wrong_password',
  );
  expect((await stranger().signIn('stolen', 'the words of the thief')).status).toBe(401);
  expect((await stranger().signIn('stolen', NEW)).status).toBe(201);
});

test.each<[string, (path: string) => ReturnType<Browser['ask']>]>([
  ['gets another password', (path) => ada.ask('POST', `${path}/password`, { body: { password: NEW } })],
  ['is disabled', (path) => ada.ask('PATCH', path, { body: { disabled: true } })],
  ['is removed', (path) => ada.ask('DELETE', path)],
])('somebody who %s while the password is checked is not signed in', async (what, happens) => {
  const login = what.replaceAll(' ', '-');
  const id = await makePersonAs(ada, { ...BEN, login, scopes: ['read'] });
  const deps = depsWhere(async () => {
    expect([200, 204]).toContain((await happens(`/people/${id}`)).status);
  });
  const from = { address: '203.0.113.60', userAgent: null, token: null, requestId: 'r' };
  expect(await outcomeOf(signInAndTell(deps, { login, password: BEN.password }, from))).toBe('wrong_credentials');
  const { rows } = await app.database.pool.query('SELECT FROM person_session WHERE person_id = $1', [id]);
  expect(rows).toEqual([]);
});

test('a change that is asked for again with its Idempotency-Key was made once, and is no guess', async () => {
  const id = await makePersonAs(ada, { ...BEN, login: 'repeater', scopes: ['read'] });
  const here = stranger();
  await here.signIn('repeater', BEN.password);
  const asked = {
    body: { password: NEW, currentPassword: BEN.password },
    headers: { 'idempotency-key': 'change-1' },
  };
  const answers = [];
  for (let time = 0; time < 7; time += 1) answers.push(await here.ask('POST', `/people/${id}/password`, asked));
  expect(answers.map(({ status }) => status)).toEqual(Array(7).fill(204));
  expect(answers.map(({ headers }) => headers['idempotency-replayed'])).toEqual([undefined, ...Array(6).fill('true')]);
  expect((await stranger().signIn('repeater', NEW)).status).toBe(201);
});

test('a password that nobody could check, in a flood of them, does not count as wrong', async () => {
  const id = await makePersonAs(ada, { ...BEN, login: 'patient', scopes: ['read'] });
  const deps = depsWhere(() => Promise.reject(new Problem(problems.overloaded, 'Too many people are signing in.')));
  const address = '203.0.113.51';
  const from = { address, userAgent: null, token: null, requestId: 'r' };
  const outcomes = [];
  for (let time = 0; time < 8; time += 1)
    outcomes.push(await outcomeOf(signInAndTell(deps, { login: 'patient', password: BEN.password }, from)));
  const caller = { actor: `user:${id}`, scopes: new Set(['read'] as const) };
  const session = { id, personId: id, name: BEN.name, expiresAtMs: Date.now() + 60_000 };
  const meta = { actor: caller.actor, requestId: 'r', idempotency: null };
  const body = { password: NEW, currentPassword: BEN.password };
  for (let time = 0; time < 8; time += 1)
    outcomes.push(await outcomeOf(changePassword(deps, { id, caller: { ...caller, session }, address }, body, meta)));
  expect(outcomes).toEqual(Array(16).fill('overloaded'));
});
