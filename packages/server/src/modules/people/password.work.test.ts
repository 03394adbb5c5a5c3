import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import { PASSWORD_COSTS } from './password.hash.ts';
import { ADA, Browser, browserElsewhere, signInAda } from './people.fixture.ts';

// With hashes that cost what they cost.

let app: TestApp;
let ada: Browser;
beforeAll(async () => {
  app = await startTestApp({ passwordCosts: PASSWORD_COSTS });
  ({ ada } = await signInAda(() => app));
});
afterAll(() => app.close());

const stranger = (): Browser => browserElsewhere(() => app);

test('signing in takes no less for nobody than for somebody who is there', async () => {
  // The quicker of two: the machine may be busy with other things.
  const timed = async (login: string): Promise<number> => {
    const tookMs: number[] = [];
    for (let time = 0; time < 2; time += 1) {
      const started = performance.now();
      await stranger().signIn(login, 'some wrong password');
      tookMs.push(performance.now() - started);
    }
    return Math.min(...tookMs);
  };
  const [there, nobody] = [await timed(ADA.login), await timed('nobody at all')];
  // Both make one hash of 0.1 s; without it nobody would take a few milliseconds.
  expect(nobody).toBeGreaterThan(there / 5);
});

test('a flood of sign-ins leaves the server to others', async () => {
  const flood = Array.from({ length: 300 }, (_, index) => stranger().signIn(`flood ${index}`, 'whatever it may be'));
  const waits: number[] = [];
  for (let read = 0; read < 10; read += 1) {
    const started = performance.now();
    expect((await ada.ask('GET', '/products')).status).toBe(200);
    waits.push(performance.now() - started);
  }
  // Most of them: the machine may be busy with other things.
  expect(waits.toSorted((left, right) => left - right)[7]).toBeLessThan(2_000);
  const statuses = (await Promise.all(flood)).map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set([401, 503]));
  expect(statuses.filter((status) => status === 401).length).toBeLessThan(100);
});
