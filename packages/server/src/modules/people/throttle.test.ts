import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import { ADA, BEN, Browser, browserElsewhere, makePersonAs, signInAda } from './people.fixture.ts';
import { networkOf, Throttle } from './throttle.ts';

let app: TestApp;
let ada: Browser;
beforeAll(async () => {
  app = await startTestApp();
  ({ ada } = await signInAda(() => app));
});
afterAll(() => app.close());

const stranger = (): Browser => browserElsewhere(() => app);

/** A throttle of its own, as another instance has: nothing is remembered by it yet. */
const throttle = () => new Throttle(app.database, { now: Date.now, monotonic: () => performance.now() });

async function outcomeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => null,
    (refusal: unknown) => refusal,
  );
  return error === null ? 'through' : String((error as { code?: unknown }).code);
}

/** Five wrong guesses, and two that come within the second for which they are held: a slow machine has to try again. */
async function held<Answer>(guess: (guesser: Browser) => Promise<Answer>, afterwards = guess) {
  for (;;) {
    const guesser = stranger();
    const answers: Answer[] = [];
    for (let made = 0; made < 4; made += 1) answers.push(await guess(guesser));
    const startedMs = performance.now();
    answers.push(await guess(guesser), await guess(guesser), await afterwards(guesser));
    if (performance.now() - startedMs < 1_000) return { guesser, answers };
  }
}

describe('guessing', () => {
  test('one login from one address is slowed down, and told for how long', async () => {
    // The right password as well; but nobody else is held.
    const { guesser, answers } = await held(
      (one) => one.signIn(ADA.login, 'a wrong guess'),
      (one) => one.signIn(),
    );
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 429, 429]);
    const [refused] = answers.slice(5);
    expect(refused?.body.code).toBe('too_many_attempts');
    expect(refused?.headers['retry-after']).toBe('1');
    expect((await stranger().signIn()).status).toBe(201);
    await expect.poll(async () => (await guesser.signIn()).status).toBe(201);
    // From here on it starts anew.
    expect((await guesser.signIn(ADA.login, 'a wrong guess')).status).toBe(401);
    expect((await guesser.signIn(ADA.login, 'a wrong guess')).status).toBe(401);
  });

  test('is slowed down for logins that nobody has, too', async () => {
    const { answers } = await held((one) => one.signIn('nobody', 'a guess'));
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 429, 429]);
  });

  test('all at once is no way around it', async () => {
    const guesser = stranger();
    const startedMs = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, guess) => guesser.signIn('many at once', `guess ${guess}`)),
    );
    const through = answers.filter(({ status }) => status === 401).length;
    expect(through).toBeGreaterThanOrEqual(5);
    // Of those held for a second one more is let through.
    expect(through).toBeLessThanOrEqual(5 + Math.floor((performance.now() - startedMs) / 1_000));
  });

  test('nor is a second instance, nor other capitals', async () => {
    const [here, there] = [throttle(), throttle()];
    for (let guess = 0; guess < 5; guess += 1) await here.attempt('spread', '203.0.113.1');
    expect(await outcomeOf(there.attempt('spread', '203.0.113.1'))).toBe('too_many_attempts');
    expect(await outcomeOf(there.attempt('spread', '::ffff:203.0.113.1'))).toBe('too_many_attempts');
    expect(await outcomeOf(there.attempt('spread', '203.0.113.2'))).toBe('through');
  });

  test('many logins from one address is slowed down after twenty', async () => {
    const one = throttle();
    const outcomes = [];
    for (let guess = 0; guess < 22; guess += 1)
      outcomes.push(await outcomeOf(one.attempt(`login ${guess}`, '203.0.113.3')));
    expect(outcomes.indexOf('too_many_attempts')).toBe(20);
    expect(await outcomeOf(one.attempt('another', '203.0.113.4'))).toBe('through');
  });

  test('one login from many addresses is slowed down after twenty, but not for its person', async () => {
    const login = 'target';
    await makePersonAs(ada, { ...BEN, login, scopes: ['read'] });
    const [home, newPlace] = [stranger(), stranger()];
    expect((await home.signIn(login, BEN.password)).status).toBe(201);
    const one = throttle();
    for (let guess = 0; guess < 20; guess += 1) await one.attempt(login, `203.0.113.${100 + guess}`);
    expect((await newPlace.signIn(login, BEN.password)).status).toBe(429);
    expect((await home.signIn(login, BEN.password)).status).toBe(201);
  });

  test('with an account of one’s own in between is still guessing', async () => {
    const login = 'insider';
    await makePersonAs(ada, { ...BEN, login, scopes: ['read'] });
    const one = throttle();
    const address = '203.0.113.5';
    const outcomes = [];
    for (let guess = 0; guess < 25; guess += 1) {
      const own = one.attempt(login, address);
      const outcome = await outcomeOf(own);
      if (outcome === 'through') await one.succeeded(await own);
      outcomes.push(await outcomeOf(one.attempt(`victim ${guess}`, address)));
    }
    expect(outcomes.indexOf('too_many_attempts')).toBe(20);
  });

  test('is forgotten after an hour, row by row as others come', async () => {
    const { pool } = app.database;
    await throttle().attempt('of old', '203.0.113.200');
    const { rows } = await pool.query<{ subject: string }>('SELECT subject FROM sign_in_throttle');
    const old = rows.slice(0, 2).map(({ subject }) => subject);
    const isThere = async () =>
      (await pool.query('SELECT FROM sign_in_throttle WHERE subject = ANY($1)', [old])).rowCount;
    await pool.query(`UPDATE sign_in_throttle SET last_at = last_at - interval '59 minutes' WHERE subject = ANY($1)`, [
      old,
    ]);
    await throttle().attempt('of now', '203.0.113.201');
    expect(await isThere()).toBe(2);
    await pool.query(`UPDATE sign_in_throttle SET last_at = last_at - interval '1 minute' WHERE subject = ANY($1)`, [
      old,
    ]);
    await throttle().attempt('of now', '203.0.113.201');
    expect(await isThere()).toBe(0);
  });

  test('whoever had the right password is held no longer, also where a second attempt was refused meanwhile', async () => {
    const one = throttle();
    for (let guess = 0; guess < 4; guess += 1) await one.attempt('twice', '203.0.113.6');
    const right = await one.attempt('twice', '203.0.113.6');
    expect(await outcomeOf(one.attempt('twice', '203.0.113.6'))).toBe('too_many_attempts');
    await one.succeeded(right);
    expect(await outcomeOf(one.attempt('twice', '203.0.113.6'))).toBe('through');
  });
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2:ffff::1', '2001:db8:1:2::/64'],
  ['fe80::1%eth0', 'fe80::/64'],
  ['::1', '::/64'],
  // As some proxies write it in X-Forwarded-For.
  ['192.0.2.7:50123', '192.0.2.7'],
  ['[2001:db8:1:2:3:4:5:6]:50123', '2001:db8:1:2::/64'],
  ['[2001:db8:1:2:3:4:5:6]', '2001:db8:1:2::/64'],
  ['', ''],
])('the address %s belongs to %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});
