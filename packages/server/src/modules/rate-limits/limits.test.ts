import { expect, test } from 'vitest';
import type { LimitedReply, LimitedRequest, LimitedRoute } from '../../platform/http/index.ts';
import { MemoryStore, type Charge, type LimitStore } from '../../platform/limiter/index.ts';
import { check, statusOf } from './check.service.ts';
import { Limits } from './limits.ts';
import { fieldsOfNew } from './rate-limit.rules.ts';
import type { NewRateLimitBody } from './rate-limit.schema.ts';
import type { RuleSet } from './rate-limit.sql.ts';
import type { StoredRule } from './rate-limit.view.ts';

const START_MS = 1_795_000_000_000;

let made = 0;
const rule = (more: Partial<NewRateLimitBody> = {}): StoredRule => {
  made += 1;
  const body = { name: 'test', algorithm: 'fixed_window', limit: 10, windowMs: 3_600_000, subject: 'ip' } as const;
  return { ...fieldsOfNew({ ...body, ...more }), id: `rule-${made}`, version: 1, createdAt: 0, updatedAt: 0 };
};

/** The limits of an instance without a database, and what they would make of requests. */
function instance({ shared }: { shared?: LimitStore } = {}) {
  const time = { ms: START_MS };
  const clock = { now: () => time.ms, monotonic: () => time.ms };
  const memory = new MemoryStore({ clock });
  const errors: unknown[] = [];
  const limits = new Limits({
    database: null as never,
    store: shared ?? memory,
    memory,
    isShared: shared !== undefined,
    clock,
    onError: (error) => errors.push(error),
  });
  let set: RuleSet = { revision: 1, rules: [], tiers: [], successors: [] };
  const use = (more: Partial<RuleSet>): void => {
    set = { ...set, ...more };
    limits.use(set);
  };
  const route = (url: string, more: Partial<LimitedRoute> = {}) => {
    const charges = limits.forRoute({ method: 'GET', url, isBulk: false, ...more });
    if (charges === null) throw new Error('it is never limited');
    return (request: Asked = {}) => answerOf((...both) => charges.enter(...both), request);
  };
  return { limits, memory, time, errors, use, route };
}

interface Asked {
  actor?: string;
  ip?: string;
  headers?: Record<string, string>;
  params?: Record<string, string>;
  body?: unknown;
}

const callers = new Map<string, LimitedRequest['caller']>();

/** What is left by the strictest rule; `refused`, or undefined where none counted it. `end` closes the answer. */
async function answerOf(
  work: (request: LimitedRequest, reply: LimitedReply) => void | Promise<void>,
  { actor = 'key:shop', ip = '203.0.113.7', headers = {}, params = {}, body = null }: Asked,
): Promise<{ left: string | undefined; policies: string | undefined; end: (status: number) => void }> {
  const caller = callers.get(actor) ?? { actor, owner: actor, scopes: new Set() };
  callers.set(actor, caller);
  const sent: Record<string, string> = {};
  const ends: (() => void)[] = [];
  const raw = { statusCode: 200, once: (_event: string, then: () => void) => ends.push(then) };
  const reply = { raw, header: (name: string, value: string) => (sent[name] = value) };
  const refused = await Promise.resolve()
    .then(() => work({ caller, ip, headers, params, body }, reply as never))
    .then(
      () => false,
      () => true,
    );
  return {
    left: refused ? 'refused' : sent['X-RateLimit-Remaining'],
    policies: sent['RateLimit-Policy'],
    end: (status) => {
      raw.statusCode = status;
      for (const end of ends) end();
    },
  };
}

/** What is left after each of some requests, one after the other. */
async function leftOf(ask: (request?: Asked) => Promise<{ left: string | undefined }>, ...requests: Asked[]) {
  const all: (string | undefined)[] = [];
  for (const request of requests) all.push((await ask(request)).left);
  return all;
}

test('which of several rules count a request is decided anew for each', async () => {
  const { use, route } = instance();
  use({
    rules: [
      rule({ name: 'all', limit: 10 }),
      rule({ name: 'mugs', limit: 20, match: { path: '/products/MUG-*' } }),
      rule({ name: 'cups', limit: 30, match: { path: '/products/CUP-*' } }),
    ],
  });
  const ask = route('/products/:sku');
  const policies = [];
  for (const sku of ['mug-1', 'CUP-1', 'hat', 'MUG-2']) policies.push((await ask({ params: { sku } })).policies);
  const [all, mugs, cups] = ['"all";q=10;w=3600', '"mugs";q=20;w=3600', '"cups";q=30;w=3600'];
  expect(policies).toEqual([`${all}, ${mugs}`, `${all}, ${cups}`, all, `${all}, ${mugs}`]);
});

test('any number of rules may count one request', async () => {
  const { use, route } = instance();
  use({ rules: Array.from({ length: 40 }, (_unused, index) => rule({ limit: 100 + index })) });
  const { left, policies } = await route('/products')();
  expect([left, policies?.split(', ')]).toEqual(['99', expect.objectContaining({ length: 40 })]);
});

test('a route is what the router says it is: in any case of letters, and with what follows a wildcard', async () => {
  const { use, route } = instance();
  use({ rules: [rule({ match: { path: '/Files/*/secret' } }), rule({ match: { path: '/api/V1/rate-limits/*' } })] });
  const rests = ['A/SECRET', '/a//secret', 'a/b/secret', ''].map((rest) => ({ params: { '*': rest } }));
  expect(await leftOf(route('/files/*'), ...rests)).toEqual(['9', '8', undefined, undefined]);
  expect(await leftOf(route('/Files/a/Secret'), {})).toEqual(['7']);
  expect(await leftOf(route('/api/v1/rate-limits/check'), {})).toEqual(['9']);
});

test('what a request costs is what the first fitting line says', async () => {
  const { use, route, limits } = instance();
  const costs = [
    { methods: ['POST' as const], cost: 5 },
    { path: '/products/*/image', cost: 3 },
    { methods: ['GET' as const], path: '/products/MUG', cost: 2 },
  ];
  use({ rules: [rule({ limit: 100, costs })] });
  expect(await leftOf(route('/products/:sku'), { params: { sku: 'MUG' } }, { params: { sku: 'CUP' } })).toEqual([
    '98',
    '97',
  ]);
  expect(await leftOf(route('/products/:sku/image'), {})).toEqual(['94']);
  expect(await leftOf(route('/products/:sku', { method: 'POST' }), {})).toEqual(['89']);
  // As it is for requests of other services.
  const left = async (method: string, path: string) =>
    (await check(limits, { subject: '9.9.9.9', method, path })).remaining;
  expect([await left('post', '/x'), await left('GET', '/products/1/image')]).toEqual([95, 92]);
  expect([await left('GET', '/products/mug'), await left('GET', '/products')]).toEqual([90, 89]);
});

test('persons are no keys, and not anonymous', async () => {
  const { use, route } = instance();
  use({
    rules: [
      rule({ limit: 10, subject: 'api_key' }),
      rule({ limit: 20, subject: 'user' }),
      rule({ limit: 30, match: { callers: 'anonymous' } }),
    ],
  });
  const who = ['key:shop', 'user:ada', 'anonymous'].map((actor) => ({ actor }));
  expect(await leftOf(route('/products'), ...who)).toEqual(['9', '19', '29']);
});

test('who does not send the header is counted with those who send it empty', async () => {
  const { use, route } = instance();
  use({ rules: [rule({ subject: 'header:x-tenant' })] });
  const ask = route('/products');
  expect(await leftOf(ask, {}, { headers: { 'x-tenant': '' } }, { headers: { 'x-tenant': 'undefined' } })).toEqual([
    '9',
    '8',
    '9',
  ]);
});

test('a tier is its own subjects’ alone, and takes the place of rules about the same', async () => {
  const { use, route, limits } = instance();
  const match = { methods: ['GET' as const, 'POST' as const] };
  const turned = { methods: match.methods.toReversed() };
  const plain = rule({ limit: 10, match });
  use({
    rules: [plain, rule({ limit: 20, tier: 'gold', match: turned }), rule({ limit: 30, tier: 'silver', match })],
    tiers: [
      { tier: 'bronze', subjects: ['1.1.1.1'] },
      { tier: 'gold', subjects: ['2.2.2.2', '4.4.4.4'] },
      { tier: 'silver', subjects: ['3.3.3.3', '4.4.4.4'] },
    ],
  });
  // Of two tiers, it is the later one in the order of names.
  const who = ['1.1.1.1', '2.2.2.2', '3.3.3.3', '4.4.4.4', '5.5.5.5'].map((ip) => ({ ip }));
  expect(await leftOf(route('/products'), ...who)).toEqual(['9', '19', '29', '29', '9']);
  const checked = await check(limits, { subject: '2.2.2.2', method: 'GET' });
  expect(checked).toMatchObject({ limit: 20, remaining: 18 });
  // One that is named counts whom it is asked to.
  expect(await check(limits, { subject: '2.2.2.2', rateLimit: plain.id })).toMatchObject({ limit: 10, remaining: 9 });
  expect(await statusOf(limits, plain.id, '3.3.3.3')).toMatchObject({ tier: 'silver', limit: 10 });
});

test.each([
  { subject: 'global' },
  { match: { path: '/products' } },
  { match: { methods: ['GET' as const] } },
  { match: { callers: 'authenticated' as const } },
  { match: { from: 'elsewhere' as const } },
])('a rule of a tier that is about something else, as %o, takes no other’s place', async (other) => {
  const { use, route } = instance();
  use({
    rules: [rule({ limit: 5 }), rule({ limit: 20, tier: 'gold', ...other })],
    tiers: [{ tier: 'gold', subjects: ['2.2.2.2'] }],
  });
  expect(await leftOf(route('/products'), { ip: '2.2.2.2' })).toEqual(['4']);
});

test('a key that took the place of another is counted with it, in whatever rule it is named', async () => {
  const { use, route, limits } = instance();
  const [keys, tenants] = [
    rule({ subject: 'api_key', overrides: { new: { limit: 5 } } }),
    rule({ subject: 'header:x-tenant', limit: 50, overrides: { new: { limit: 7 } } }),
  ];
  const tiers = [{ tier: 'gold', subjects: ['new', '2001:db8::7'] }];
  use({ rules: [keys, tenants], successors: [{ id: 'new', root: 'old' }], tiers });
  expect(await leftOf(route('/products'), { actor: 'key:new', headers: { 'x-tenant': 'x' } })).toEqual(['4']);
  expect(await check(limits, { subject: 'new', rateLimit: keys.id })).toMatchObject({ limit: 5, remaining: 3 });
  expect(await statusOf(limits, keys.id, 'new')).toMatchObject({ subject: 'old', isOverridden: true, tier: 'gold' });
  expect(await statusOf(limits, tenants.id, 'new')).toMatchObject({ subject: 'new', limit: 7, tier: 'gold' });
  // A text like any other, for a rule that counts texts.
  expect(await statusOf(limits, tenants.id, '2001:db8::7')).toMatchObject({ subject: '2001:db8::7', tier: 'gold' });
});

test('an address that has numbers of its own is known by any address of its network', async () => {
  const { use, limits } = instance();
  const own = rule({ overrides: { '2001:db8::1': { limit: 5 } } });
  use({ rules: [own] });
  const subject = '2001:db8::/64';
  expect(await statusOf(limits, own.id, '2001:db8::7')).toMatchObject({ subject, limit: 5, isOverridden: true });
});

test('a check without a caller is counted by no rule that is about callers or places', async () => {
  const { use, limits } = instance();
  use({ rules: [rule({ match: { callers: 'anonymous' } }), rule({ match: { from: 'loopback' } })] });
  expect(await check(limits, { subject: '127.0.0.1' })).toMatchObject({ allowed: true, limit: null });
  const off = rule({ limit: 1, enabled: false });
  use({ rules: [off] });
  expect(await check(limits, { subject: 'a', cost: 2, rateLimit: off.id })).toMatchObject({
    allowed: true,
    limit: null,
  });
});

test('what was looked at is not counted, and what was refused is counted by those who refused it', async () => {
  const { use, limits } = instance();
  const [narrow, wide, tried] = [rule({ limit: 2 }), rule({ limit: 9 }), rule({ limit: 9, mode: 'shadow' })];
  use({ rules: [narrow, wide, tried] });
  for (const cost of [0, 1, 0, 2]) await check(limits, { subject: 'a', cost });
  const counted = [narrow, wide, tried].map(({ id }) => limits.rules.tallyOf(id).drain()?.steps[0]);
  expect(counted.map((step) => [step?.allowed, step?.refused, step?.shadowRefused])).toEqual([
    [1, 1, 0],
    [1, 0, 0],
    [1, 0, 0],
  ]);
  expect(await check(limits, { subject: 'a', cost: 2 })).toMatchObject({ allowed: false, shadowRefused: [] });
  const status = await statusOf(limits, narrow.id, 'a');
  expect(status).toMatchObject({ remaining: 1, retryAfterMs: 0, burst: null });
  await check(limits, { subject: 'a' });
  expect((await statusOf(limits, narrow.id, 'a')).retryAfterMs).toBe(3_600_000 - (START_MS % 3_600_000));
});

test('a rule adapts to the load that it names, down to its floor and never to nothing', async () => {
  const { use, route, limits } = instance();
  const lag = rule({ limit: 3, algorithm: 'token_bucket', burst: 30, adaptive: { eventLoopDelayMs: 50, floor: 0.01 } });
  const full = rule({ limit: 1_000, adaptive: { inFlight: 5, floor: 0.5 }, match: { path: '/other' } });
  use({ rules: [lag, full] });
  const factors = (): unknown => [lag, full].map(({ id }) => limits.rules.all.get(id)?.factor);
  const adapted = (inFlight: number, lagMs: number): unknown => {
    limits.observe({ inFlight, lagMs });
    limits.rules.adapt();
    return factors();
  };
  expect(adapted(5, 50)).toEqual([1, 1]);
  expect(adapted(5, 51)).toEqual([0.7, 1]);
  expect(await statusOf(limits, lag.id, 'a')).toMatchObject({ limit: 2, burst: 21, adaptive: { factor: 0.7 } });
  expect(adapted(6, 51)).toEqual([0.7 * 0.7, 0.7]);
  expect((await statusOf(limits, lag.id, 'a')).adaptive?.factor).toBe(0.49);
  for (let tick = 0; tick < 20; tick += 1) adapted(6, 51);
  expect(factors()).toEqual([0.01, 0.5]);
  expect(await statusOf(limits, lag.id, 'a')).toMatchObject({ limit: 1, burst: 1 });
  expect(await leftOf(route('/products'), {})).toEqual(['0']);
  expect(adapted(0, 0)).toEqual([0.01 + 0.05, 0.5 + 0.05]);
  // Rules that are read again stay as tight, and one that adapts no more is whole.
  use({
    rules: [
      { ...lag, adaptive: null },
      { ...full, limit: 2_000 },
    ],
  });
  expect(factors()).toEqual([1, 0.5 + 0.05]);
});

test('a batch of two is charged once more, and a list of one is not', async () => {
  const { use, limits } = instance();
  use({ rules: [rule()] });
  const charges = limits.forRoute({ method: 'POST', url: '/batch', isBulk: true });
  const left = async (body: unknown) => (await answerOf((...both) => charges?.body(...both), { body })).left;
  const items = [[1, 2], [1], [1, 2, 3]];
  expect([await left({ items: items[0] }), await left({ items: items[1] }), await left({ items: items[2] })]).toEqual([
    '9',
    undefined,
    '7',
  ]);
  const steps = limits.traffic.recent(START_MS);
  expect(steps.flatMap(({ records }) => records.map(({ requests }) => requests))).toEqual([3]);
});

test('units go back where a rule says so: for what was refused, to whom they were taken from', async () => {
  const { use, route, limits } = instance();
  const [back, tried] = [rule({ refund: 'refused' }), rule({ refund: 'refused', limit: 1, mode: 'shadow' })];
  const kept = rule({ limit: 20 });
  use({ rules: [kept, back, tried] });
  const left = async (...ips: string[]) =>
    Promise.all(
      [back, tried, kept].flatMap(({ id }) => ips.map(async (ip) => (await statusOf(limits, id, ip)).remaining)),
    );
  const ask = route('/products');
  const [one, other] = [await ask({ ip: '1.1.1.1' }), await ask({ ip: '2.2.2.2' })];
  one.end(400);
  other.end(399);
  expect(await left('1.1.1.1', '2.2.2.2')).toEqual([10, 9, 1, 0, 19, 19]);
  // The shadow would have refused it, and took nothing: nor does it give back what another request took.
  (await ask({ ip: '2.2.2.2' })).end(404);
  expect(await left('2.2.2.2')).toEqual([9, 0, 18]);
});

test('a store elsewhere answers out of turn, has a clock of its own or none, and may fail to give back', async () => {
  const taken: (readonly Charge[])[] = [];
  const answers: ((atMs: number) => void)[] = [];
  const shared: LimitStore = {
    take: (charges) => {
      const remaining = taken.push(charges);
      return new Promise((resolve) => {
        answers.push((atMs) => {
          for (const charge of charges) Object.assign(charge, { atMs, remaining });
          resolve(true);
        });
      });
    },
    peek: () => undefined,
    refund: () => Promise.reject(new Error('it is away')),
  };
  const { use, route, limits, errors, time } = instance({ shared });
  const counted = rule();
  use({ rules: [counted] });
  const ask = route('/products');
  const asked = [ask({ ip: '1.1.1.1' }), ask({ ip: '2.2.2.2' })];
  await expect.poll(() => answers.length).toBe(2);
  for (const answer of answers.toReversed()) answer(START_MS + 7_200_000);
  expect((await Promise.all(asked)).map(({ left }) => left)).toEqual(['1', '2']);
  expect(taken.map(([charge]) => charge?.subject)).toEqual(['1.1.1.1', '2.2.2.2']);
  const tally = limits.rules.tallyOf(counted.id);
  expect(tally.drain()?.steps.map(({ atMs }) => atMs - START_MS)).toEqual([7_200_000]);
  expect(limits.traffic.recent(time.ms).flatMap(({ records }) => records)).toHaveLength(2);

  use({ rules: [{ ...counted, refund: 'refused' }] });
  const last = ask();
  await expect.poll(() => answers.length).toBe(3);
  // As it is where a rule lets pass while nobody counts.
  answers.at(-1)?.(0);
  (await last).end(500);
  await expect.poll(() => errors).toEqual([new Error('it is away')]);
  expect(tally.drain()?.steps.map(({ atMs }) => atMs - START_MS)).toEqual([0]);
});

test('what a proxy on this machine passes on comes from elsewhere, however the proxy says so', async () => {
  const { use, route } = instance();
  use({ rules: [rule({ match: { from: 'elsewhere' } }), rule({ limit: 20, match: { from: 'loopback' } })] });
  const passedOn = ['x-forwarded-for', 'x-real-ip', 'forwarded', 'via'].map((name) => ({
    ip: '127.0.0.1',
    headers: { [name]: '8.8.8.8' },
  }));
  const ask = route('/products');
  expect(await leftOf(ask, { ip: '127.0.0.1' }, ...passedOn, { ip: '8.8.8.8' })).toEqual([
    '19',
    '9',
    '8',
    '7',
    '6',
    '9',
  ]);
});

test('rules that change keep their counters, those that go leave none, and others are left alone', async () => {
  const { use, route, memory, limits } = instance();
  const [one, other] = [rule(), rule({ limit: 20 })];
  use({ rules: [one, other] });
  const ask = route('/products');
  expect(await leftOf(ask, {}, {})).toEqual(['9', '8']);
  use({ rules: [{ ...one, limit: 5 }, other] });
  expect(await leftOf(ask, {})).toEqual(['2']);
  expect(memory.size).toBe(2);
  const tally = limits.rules.tallyOf(one.id);
  use({ rules: [other] });
  expect([memory.size, await leftOf(ask, {})]).toEqual([1, ['16']]);
  use({ rules: [one, other] });
  expect([limits.rules.tallyOf(one.id) === tally, await leftOf(ask, {})]).toEqual([false, ['9']]);
});
