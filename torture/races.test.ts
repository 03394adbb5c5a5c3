import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { type Answer, type ApiClient, bodyOf, type Call, codeOf } from './api.client.ts';
import { checkInvariants } from './checker.ts';
import { numberOf, withClient } from './database.ts';
import { type Fleet, inParallel, startFleet, tally } from './fleet.ts';
import { seededRandom } from './random.ts';

// Two servers over one database; in each race both sides ask at the same moment, one at each server, many times.
const ROUNDS = 20;
const POST = 'POST' as const;

let fleet: Fleet;
let round = 0;

beforeAll(async () => {
  fleet = await startFleet(inject('postgres'), { servers: 2 });
  for (const code of ['A', 'B', 'C', 'D', 'E']) {
    await fleet.api(0).must({ method: POST, path: '/api/v1/locations', body: { code, name: code, type: 'store' } });
  }
}, 300_000);

afterAll(() => fleet.close());

beforeEach(() => {
  round += 1;
});

async function checkAll(): Promise<void> {
  expect(await withClient(fleet.database.connection, checkInvariants)).toEqual([]);
}

async function newProduct(name: string, stock: Record<string, number> = {}): Promise<string> {
  const sku = `${name}-${round}`;
  await fleet.api(0).must({ method: POST, path: '/api/v1/products', body: { sku, name } });
  for (const [location, quantity] of Object.entries(stock)) {
    const body = { location, type: 'add', quantity };
    await fleet.api(0).must({ method: POST, path: `/api/v1/inventory/${sku}/adjust`, body });
  }
  return sku;
}

async function levelOf(sku: string, code: string): Promise<Record<string, unknown>> {
  return fleet.api(1).must({ method: 'GET', path: `/api/v1/inventory/${sku}/locations/${code}?fresh=true` });
}

const hold = (sku: string, location: string, quantity = 1, more: object = {}): Call => ({
  method: POST,
  path: '/api/v1/reservations',
  body: { lines: [{ sku, location, quantity }], ...more },
});

async function held(sku: string, location: string, quantity = 1, more: object = {}): Promise<string> {
  return String((await fleet.api(0).must(hold(sku, location, quantity, more)))['id']);
}

const act = (id: string, what: string, body: object = {}): Call => ({
  method: what === 'lines' ? 'PUT' : POST,
  path: `/api/v1/reservations/${id}/${what}`,
  body,
});

const short = (answer: Answer): string => `${answer.status} ${codeOf(answer)}`.trim();

/** Both at once, each at its server; who is sent first takes turns. */
async function bothAtOnce(turn: number, one: Call, other: Call): Promise<[Answer, Answer]> {
  const [first, second]: [ApiClient, ApiClient] = [fleet.api(turn), fleet.api(turn + 1)];
  return Promise.all([first.call(one), second.call(other)]);
}

test('transfers in circles, on both servers, neither make nor lose a unit', async () => {
  const stock = { A: 40, B: 40, C: 40, D: 40, E: 40 };
  const codes = Object.keys(stock);
  const skus = [await newProduct('circle', stock), await newProduct('ring', stock)];
  const random = seededRandom(10);
  const answers: string[] = [];
  await inParallel(800, 24, async (index) => {
    const from = index % codes.length;
    const to = codes[(from + random.between(1, codes.length - 1)) % codes.length] ?? '';
    const lines = random.chance(0.5) ? [...skus] : skus.toReversed();
    const body = {
      from: codes[from],
      to,
      lines: lines.map((sku) => ({ sku, quantity: random.between(1, 15) })),
    };
    answers.push(short(await fleet.api(index).call({ method: POST, path: '/api/v1/transfers', body })));
  });
  const counts = tally(answers);
  expect(Object.keys(counts).filter((answer) => answer !== '201' && answer !== '409 insufficient_stock')).toEqual([]);
  expect(counts['201']).toBeGreaterThan(100);
  for (const sku of skus) {
    const { totals } = await fleet.api(0).must({ method: 'GET', path: `/api/v1/inventory/${sku}?fresh=true` });
    expect(totals).toMatchObject({ onHand: 200, reserved: 0, committed: 0 });
  }
  await checkAll();
});

test('of confirm and cancel at once both never hear that they were first', async () => {
  const sku = await newProduct('torn', { A: ROUNDS });
  const outcomes: string[] = [];
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    const id = await held(sku, 'A');
    const [confirmed, cancelled] = await bothAtOnce(turn, act(id, 'confirm'), act(id, 'cancel'));
    // A confirmed one may still be cancelled; a cancelled one is never confirmed.
    outcomes.push(`${short(confirmed)}, ${short(cancelled)}`);
    const { status } = await fleet.api(0).must({ method: 'GET', path: `/api/v1/reservations/${id}` });
    expect(status).toBe('cancelled');
  }
  const both = new Set(['200, 200', '409 invalid_transition, 200']);
  expect(outcomes.filter((outcome) => !both.has(outcome))).toEqual([]);
  expect(await levelOf(sku, 'A')).toMatchObject({ onHand: ROUNDS, reserved: 0, committed: 0 });
  await checkAll();
});

test('of confirm with ship and cancel at once exactly one wins', async () => {
  const sku = await newProduct('split', { A: ROUNDS });
  let shipped = 0;
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    const id = await held(sku, 'A');
    const answers = await bothAtOnce(turn, act(id, 'confirm', { ship: true }), act(id, 'cancel'));
    const [confirm, cancel] = answers.map(short);
    expect([`${confirm}, ${cancel}`]).toEqual([
      confirm === '200' ? '200, 409 invalid_transition' : '409 invalid_transition, 200',
    ]);
    if (confirm === '200') shipped += 1;
  }
  expect(await levelOf(sku, 'A')).toMatchObject({ onHand: ROUNDS - shipped, reserved: 0, committed: 0 });
  await checkAll();
});

test('ten clients ship the same units, and only as many leave as were committed', async () => {
  const sku = await newProduct('rush', { A: 100 });
  const id = await held(sku, 'A', 37);
  await fleet.api(0).must(act(id, 'confirm'));
  const answers: string[] = [];
  await inParallel(100, 20, async (index) => {
    const lines = [{ sku, location: 'A', quantity: 1 }];
    answers.push(short(await fleet.api(index).call(act(id, 'ship', { lines }))));
  });
  expect(tally(answers)).toEqual({ 200: 37, '409 quantity_exceeds_open': 63 });
  expect(await levelOf(sku, 'A')).toMatchObject({ onHand: 63, committed: 0 });
});

test('a hold is either extended in time or gone: never both', async () => {
  const sku = await newProduct('brink', { A: ROUNDS });
  const results = await Promise.all(
    Array.from({ length: ROUNDS }, async (_, index) => {
      // Around the instant: some before, some after; and a few that are in time on any machine.
      const isInTime = index % 10 === 0;
      const id = await held(sku, 'A', 1, { ttlSeconds: isInTime ? 60 : 1 });
      if (!isInTime) await new Promise((resolve) => setTimeout(resolve, 900 + ((index * 7) % 160)));
      const [extended, confirmed] = await bothAtOnce(index, act(id, 'extend', { ttlSeconds: 600 }), act(id, 'confirm'));
      return { id, heard: `${short(extended)}, ${short(confirmed)}` };
    }),
  );
  const counts = tally(results.map(({ heard }) => heard));
  const gone = '409 reservation_expired';
  // Confirmed first, it can no longer be extended; extended first, it can be confirmed. It may lapse between the two.
  const possible = new Set([
    '200, 200',
    '409 invalid_transition, 200',
    `${gone}, ${gone}`,
    // Both were asked before the instant; only one was in time.
    `${gone}, 200`,
  ]);
  expect(Object.keys(counts).filter((heard) => !possible.has(heard))).toEqual([]);
  expect(counts[`${gone}, ${gone}`]).toBeGreaterThan(0);
  const gained = results.filter(({ heard }) => heard.endsWith(', 200')).length;
  expect(gained).toBeGreaterThan(0);
  await expect.poll(async () => (await levelOf(sku, 'A'))['reserved']).toBe(0);
  expect(await levelOf(sku, 'A')).toMatchObject({ onHand: ROUNDS, reserved: 0, committed: gained });
  await checkAll();
});

test('lines changed by both sides at once end as one of the two asked', async () => {
  const [one, other] = [await newProduct('cart', { A: 10, B: 10 }), await newProduct('basket', { A: 10, B: 10 })];
  const id = await held(one, 'A', 3, { type: 'cart' });
  const wishes = [
    [{ sku: one, location: 'A', quantity: 10 }],
    [
      { sku: one, location: 'B', quantity: 4 },
      { sku: other, location: 'A', quantity: 7 },
    ],
    [{ sku: other, location: 'B', quantity: 10 }],
  ];
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    const [left, right] = [wishes[turn % 3] ?? [], wishes[(turn + 1) % 3] ?? []];
    const answers = await bothAtOnce(turn, act(id, 'lines', { lines: left }), act(id, 'lines', { lines: right }));
    // Its own units count as free to it: a cart never competes with itself.
    expect(answers.map(short)).toEqual(['200', '200']);
    const { lines } = await fleet.api(0).must({ method: 'GET', path: `/api/v1/reservations/${id}` });
    expect([left.length, right.length]).toContain((lines as unknown[]).length);
    expect([JSON.stringify(left), JSON.stringify(right)]).toContain(JSON.stringify(plain(lines)));
  }
  await checkAll();
});

function plain(lines: unknown): object[] {
  return (lines as { sku: string; location: string; quantity: number }[]).map(({ sku, location, quantity }) => ({
    sku,
    location,
    quantity,
  }));
}

test('a level that does not exist is made once, by whoever is first', async () => {
  for (let turn = 0; turn < 30; turn += 1) {
    const sku = await newProduct(`fresh-${turn}`);
    const add = (location: string): Call => ({
      method: POST,
      path: `/api/v1/inventory/${sku}/adjust`,
      body: { location, type: 'add', quantity: 1 },
    });
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => fleet.api(index).call(add(index % 4 < 2 ? 'A' : 'B'))),
    );
    expect(answers.map(short)).toEqual(new Array(8).fill('200'));
    expect([await levelOf(sku, 'A'), await levelOf(sku, 'B')]).toMatchObject([{ onHand: 4 }, { onHand: 4 }]);
  }
  await checkAll();
});

test('a sku is given once', async () => {
  const answers: string[] = [];
  await inParallel(160, 16, async (index) => {
    const body = { sku: `only-${round}-${Math.floor(index / 8)}`, name: 'one' };
    answers.push(short(await fleet.api(index).call({ method: POST, path: '/api/v1/products', body })));
  });
  expect(tally(answers)).toEqual({ 201: 20, '409 duplicate_sku': 140 });
});

test('a product is either archived or has stock: never both', async () => {
  const outcomes: string[] = [];
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    const sku = await newProduct(`leaving-${turn}`, { A: 1 });
    const sold = await held(sku, 'A');
    await fleet.api(0).must(act(sold, 'confirm', { ship: true }));
    // Sold out. A unit comes at the moment when it is to be archived.
    const add = {
      method: POST,
      path: `/api/v1/inventory/${sku}/adjust`,
      body: { location: 'A', type: 'add', quantity: 1 },
    };
    const [archived, added] = await bothAtOnce(turn, { method: 'DELETE', path: `/api/v1/products/${sku}` }, add);
    outcomes.push(`${short(archived)}, ${short(added)}`);
    const { archivedAt } = await fleet.api(0).must({ method: 'GET', path: `/api/v1/products/${sku}` });
    expect(archivedAt === null).toBe(archived.status === 409);
  }
  const possible = new Set(['204, 409 product_archived', '409 product_in_use, 200']);
  expect(outcomes.filter((outcome) => !possible.has(outcome))).toEqual([]);
  await withClient(fleet.database.connection, async (client) => {
    const alive = `SELECT count(*) FROM level l JOIN product p ON p.id = l.product_id
      WHERE p.archived_at IS NOT NULL AND (on_hand, reserved, committed) <> (0, 0, 0)`;
    expect(await numberOf(client, alive)).toBe(0);
  });
  await checkAll();
});

test('from the answer that a location is inactive on, nothing more is reserved there', async () => {
  const sku = await newProduct('closing', { E: 10_000 });
  const patch = (active: boolean): Call => ({ method: 'PATCH', path: '/api/v1/locations/E', body: { active } });
  const answers: string[] = [];
  for (let turn = 0; turn < 10; turn += 1) {
    let isClosed = false;
    let isOver = false;
    const heard = { open: 0, closed: 0 };
    const buyers = Array.from({ length: 8 }, async (_, index) => {
      while (!isOver) {
        const wasClosed = isClosed;
        const answer = short(await fleet.api(index).call(hold(sku, 'E')));
        answers.push(wasClosed ? `closed: ${answer}` : answer);
        heard[wasClosed ? 'closed' : 'open'] += 1;
      }
    });
    await expect.poll(() => heard.open).toBeGreaterThan(16);
    await fleet.api(turn).must(patch(false));
    isClosed = true;
    await expect.poll(() => heard.closed).toBeGreaterThan(16);
    isOver = true;
    await Promise.all(buyers);
    await fleet.api(turn).must(patch(true));
  }
  const counts = tally(answers);
  expect(counts['closed: 201']).toBeUndefined();
  expect(Object.keys(counts).sort()).toEqual(['201', '409 location_inactive', 'closed: 409 location_inactive']);
  await checkAll();
});

test('settings of a product that change while its levels are made reach every level', async () => {
  for (let turn = 0; turn < 20; turn += 1) {
    const sku = await newProduct(`settling-${turn}`);
    const add = (location: string): Call => ({
      method: POST,
      path: `/api/v1/inventory/${sku}/adjust`,
      body: { location, type: 'add', quantity: 5 },
    });
    const patch: Call = { method: 'PATCH', path: `/api/v1/products/${sku}`, body: { safetyStock: 3, reorderPoint: 7 } };
    const calls = [add('A'), patch, add('B'), add('C'), add('D')];
    const answers = await Promise.all(calls.map((call, index) => fleet.api(turn + index).call(call)));
    expect(answers.map(short)).toEqual(new Array(calls.length).fill('200'));
    for (const code of ['A', 'B', 'C', 'D']) {
      expect(await levelOf(sku, code)).toMatchObject({ safetyStock: 3, reorderPoint: 7, available: 2 });
    }
    expect(bodyOf(answers[1] as Answer)['version']).toBe(2);
  }
  await checkAll();
});
