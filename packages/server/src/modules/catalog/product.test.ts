import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp } from '../../../test/app.ts';

let test: Awaited<ReturnType<typeof startTestApp>>;

beforeAll(async () => {
  test = await startTestApp();
});
afterAll(() => test.close());

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

async function call(method: Method, path: string, body?: object, headers: Record<string, string> = {}) {
  const payload = body === undefined ? {} : { payload: body };
  const answer = await test.app.inject({ method, url: `/api/v1${path}`, headers, ...payload });
  return { status: answer.statusCode, headers: answer.headers, body: answer.body === '' ? null : answer.json() };
}

const create = (product: object) => call('POST', '/products', product);

async function skusOf(query: string): Promise<string[]> {
  const { status, body } = await call('GET', `/products?${query}`);
  expect(status).toBe(200);
  return body.items.map(({ sku }: { sku: string }) => sku);
}

/** Reads a list to its end, page by page. */
async function walk(query: string): Promise<string[]> {
  const skus: string[] = [];
  let cursor = '';
  for (let page = 0; page < 50; page += 1) {
    const { body } = await call('GET', `/products?${query}${cursor}`);
    skus.push(...body.items.map(({ sku }: { sku: string }) => sku));
    if (body.nextCursor === null) return skus;
    cursor = `&cursor=${body.nextCursor}`;
  }
  throw new Error('the list has no end');
}

describe('POST /products', () => {
  it('makes a product and says where it is', async () => {
    const product = {
      sku: 'Mug:Blue.1',
      name: 'Mug, blue',
      description: 'Stoneware',
      category: 'kitchen',
      attributes: { colour: 'blue', sizes: [1, 2.5, null] },
      unitCost: 12.3456,
      reorderPoint: 10,
      reorderQuantity: 50,
      maxLevel: 1_000_000_000_000,
      safetyStock: 2,
    };
    const { status, headers, body } = await create(product);
    expect(status).toBe(201);
    expect(headers['location']).toBe('/api/v1/products/Mug:Blue.1');
    expect(headers['etag']).toBe('"1"');
    expect(body).toEqual({
      ...product,
      version: 1,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updatedAt: body.createdAt,
      archivedAt: null,
    });
    const read = await call('GET', '/products/Mug:Blue.1');
    expect(read.body).toEqual(body);
    expect(read.headers['etag']).toBe('"1"');
  });

  it('shows what was not given as null, and safety stock as 0', async () => {
    const { body } = await create({ sku: 'BARE', name: 'Bare', safetyStock: null, unitCost: null });
    expect(body).toMatchObject({
      description: null,
      category: null,
      attributes: null,
      unitCost: null,
      reorderPoint: null,
      reorderQuantity: null,
      maxLevel: null,
      safetyStock: 0,
    });
  });

  it('refuses a sku that is taken, and tells skus apart by case', async () => {
    expect((await create({ sku: 'TAKEN', name: 'first' })).status).toBe(201);
    const again = await create({ sku: 'TAKEN', name: 'second' });
    expect(again.status).toBe(409);
    expect(again.body).toMatchObject({ code: 'duplicate_sku', status: 409 });
    expect((await create({ sku: 'taken', name: 'third' })).status).toBe(201);
    expect((await call('GET', '/products/TAKEN')).body.name).toBe('first');
  });

  it('lets exactly one of twenty at once have a sku', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => create({ sku: 'RACE', name: 'one' })));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(19);
  });

  it.each([
    ['no sku', { name: 'x' }, '/sku'],
    ['a sku that is no name', { sku: ' x', name: 'x' }, '/sku'],
    ['an empty name', { sku: 'V', name: '' }, '/name'],
    ['a name of 201', { sku: 'V', name: 'x'.repeat(201) }, '/name'],
    ['a description of 5,001', { sku: 'V', name: 'x', description: 'x'.repeat(5001) }, '/description'],
    ['an unknown field', { sku: 'V', name: 'x', price: 3 }, '/price'],
    ['a cost below 0', { sku: 'V', name: 'x', unitCost: -1 }, '/unitCost'],
    ['a cost with five decimals', { sku: 'V', name: 'x', unitCost: 0.00001 }, '/unitCost'],
    ['a cost over 10^9', { sku: 'V', name: 'x', unitCost: 1_000_000_001 }, '/unitCost'],
    ['a fractional quantity', { sku: 'V', name: 'x', reorderPoint: 1.5 }, '/reorderPoint'],
    ['a quantity over 10^12', { sku: 'V', name: 'x', maxLevel: 1_000_000_000_001 }, '/maxLevel'],
    ['a number in a string', { sku: 'V', name: 'x', safetyStock: '1' }, '/safetyStock'],
    ['attributes that are no object', { sku: 'V', name: 'x', attributes: [] }, '/attributes'],
    ['a null name', { sku: 'V', name: null }, '/name'],
  ])('refuses %s', async (_what, product, path) => {
    const { status, body } = await create(product);
    expect(status).toBe(400);
    expect(body.code).toBe('validation_failed');
    expect(body.errors.map((error: { path: string }) => error.path)).toContain(path);
    expect((await call('GET', '/products/V')).status).toBe(404);
  });
});

describe('POST /products/batch', () => {
  it('makes what can be made and says why the others were not', async () => {
    await create({ sku: 'B-OLD', name: 'there before' });
    const { status, body } = await call('POST', '/products/batch', {
      products: [
        { sku: 'B-2', name: 'two' },
        { sku: 'B-OLD', name: 'taken' },
        { sku: 'B-1', name: 'one', attributes: { a: 1 } },
        { sku: 'B-2', name: 'two again' },
      ],
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ succeeded: 2, failed: 2 });
    expect(body.results.map(({ index, ok }: { index: number; ok: boolean }) => [index, ok])).toEqual([
      [0, true],
      [1, false],
      [2, true],
      [3, false],
    ]);
    expect(body.results[2].product).toEqual((await call('GET', '/products/B-1')).body);
    expect(body.results[1].error).toMatchObject({ code: 'duplicate_sku', status: 409, title: 'The sku is taken' });
    expect(body.results[3].error.detail).toContain('B-2');
    expect((await call('GET', '/products/B-2')).body.name).toBe('two');
    const { items } = (await call('GET', '/audit?kind=product.created&limit=2')).body;
    expect(items.map(({ subject }: { subject: string }) => subject).toSorted()).toEqual(['B-1', 'B-2']);
  });

  it('makes 1,200 in three commits, and answers a repeat under the same key with the same', async () => {
    const products = Array.from({ length: 1_200 }, (_, index) => ({ sku: `MANY-${index}`, name: `${index}` }));
    products[900] = { sku: 'MANY-3', name: 'made in an earlier chunk' };
    const key = { 'idempotency-key': 'many-1' };
    const first = await call('POST', '/products/batch', { products }, key);
    expect(first.body).toMatchObject({ succeeded: 1_199, failed: 1 });
    expect(first.body.results[900]).toMatchObject({ index: 900, ok: false, error: { code: 'duplicate_sku' } });
    expect(first.headers['idempotency-replayed']).toBeUndefined();

    const repeat = await call('POST', '/products/batch', { products }, key);
    expect(repeat.status).toBe(200);
    expect(repeat.body).toEqual(first.body);
    expect(repeat.headers['idempotency-replayed']).toBe('true');
    const kept = `SELECT chunk, left(body, 15) AS head FROM idempotency_key WHERE key = 'many-1' ORDER BY chunk`;
    expect((await test.database.pool.query(kept)).rows).toEqual(
      [500, 499, 200].map((count, chunk) => ({ chunk, head: `{"succeeded":${count}`.slice(0, 15) })),
    );
  });

  it('refuses a wrong shape as a whole', async () => {
    const { status, body } = await call('POST', '/products/batch', {
      products: [
        { sku: 'WHOLE', name: 'x' },
        { sku: '?', name: 'x' },
      ],
    });
    expect(status).toBe(400);
    expect(body.errors[0].path).toBe('/products/1/sku');
    expect((await call('GET', '/products/WHOLE')).status).toBe(404);
    expect((await call('POST', '/products/batch', { products: [] })).status).toBe(400);
  });

  it('lets two batches that share their skus in opposite order both finish', async () => {
    const products = Array.from({ length: 200 }, (_, index) => ({ sku: `OPP-${index}`, name: 'x' }));
    const answers = await Promise.all([
      call('POST', '/products/batch', { products }),
      call('POST', '/products/batch', { products: products.toReversed() }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers.reduce((sum, { body }) => sum + body.succeeded, 0)).toBe(200);
  });
});

describe('GET /products', () => {
  beforeAll(async () => {
    const products = [
      { sku: 'L-3', name: 'Über_hose 100%', category: 'list' },
      { sku: 'L-1', name: 'cap', category: 'list' },
      { sku: 'L-2', name: 'Cap', category: 'list' },
      { sku: 'L-5', name: 'cap', category: 'list' },
      { sku: 'L-4', name: 'back\\slash', category: 'list' },
    ];
    for (const product of products) await create(product);
  });

  it.each([
    ['category=list', ['L-1', 'L-2', 'L-3', 'L-4', 'L-5']],
    ['category=list&sort=-sku', ['L-5', 'L-4', 'L-3', 'L-2', 'L-1']],
    ['category=list&sort=name', ['L-2', 'L-4', 'L-1', 'L-5', 'L-3']],
    ['category=list&sort=-name', ['L-3', 'L-5', 'L-1', 'L-4', 'L-2']],
    ['category=list&sort=createdAt', ['L-3', 'L-1', 'L-2', 'L-5', 'L-4']],
    ['category=list&sort=-updatedAt', ['L-4', 'L-5', 'L-2', 'L-1', 'L-3']],
  ])('%s, in one page and row by row', async (query, expected) => {
    expect(await skusOf(query)).toEqual(expected);
    expect(await walk(`${query}&limit=1`)).toEqual(expected);
    expect(await walk(`${query}&limit=2`)).toEqual(expected);
  });

  it.each([
    ['CAP', ['L-1', 'L-2', 'L-5']],
    ['%C3%BCBER', ['L-3']],
    ['100%25', ['L-3']],
    ['r_h', ['L-3']],
    ['k%5Cs', ['L-4']],
    ['c_p', []],
    ['l-2', ['L-2']],
    ['%25', ['L-3']],
    ['nothing', []],
  ])('finds %s in sku or name, in either case, taken as it is written', async (search, expected) => {
    expect(await skusOf(`category=list&search=${search}`)).toEqual(expected);
  });

  it('refuses the cursor of another list', async () => {
    const { body } = await call('GET', '/products?category=list&limit=1');
    const cursor = body.nextCursor;
    for (const query of [
      'limit=1',
      'category=list&sort=-sku',
      'category=list&search=cap',
      'category=list&archived=true',
    ]) {
      const answer = await call('GET', `/products?${query}&cursor=${cursor}`);
      expect(answer.status).toBe(400);
      expect(answer.body.code).toBe('invalid_cursor');
    }
    expect((await call('GET', '/products?cursor=xyz')).body.code).toBe('invalid_cursor');
    expect((await call('GET', `/products?category=list&limit=2&cursor=${cursor}`)).status).toBe(200);
  });

  it('goes on rightly while rows are added before and behind the cursor', async () => {
    for (const sku of ['G-2', 'G-4', 'G-6']) await create({ sku, name: 'x', category: 'grow' });
    const first = await call('GET', '/products?category=grow&limit=2');
    await create({ sku: 'G-1', name: 'x', category: 'grow' });
    await create({ sku: 'G-5', name: 'x', category: 'grow' });
    const rest = await skusOf(`category=grow&limit=5&cursor=${first.body.nextCursor}`);
    expect(rest).toEqual(['G-5', 'G-6']);
  });

  it('tells when one was made from when it was changed, of many at one moment by their age, row by row', async () => {
    for (const sku of ['M-1', 'M-2', 'M-3']) await create({ sku, name: 'same', category: 'moved' });
    await test.database.pool.query(`UPDATE product SET created_at = '2020-01-01', updated_at = CASE sku
      WHEN 'M-1' THEN timestamptz '2022-01-01' ELSE '2021-01-01' END WHERE category = 'moved'`);
    for (const [sort, skus] of [
      ['updatedAt', ['M-2', 'M-3', 'M-1']],
      ['-updatedAt', ['M-1', 'M-3', 'M-2']],
      ['createdAt', ['M-1', 'M-2', 'M-3']],
      ['-name', ['M-3', 'M-2', 'M-1']],
    ] as const) {
      expect([sort, await walk(`category=moved&sort=${sort}&limit=1`)]).toEqual([sort, skus]);
    }
  });

  it('takes a cursor on a name of 200 of the longest characters', async () => {
    for (const sku of ['E-1', 'E-2']) await create({ sku, name: '😀'.repeat(200), category: 'emoji' });
    expect(await walk('category=emoji&sort=name&limit=1')).toEqual(['E-1', 'E-2']);
  });

  it.each(['sort=price', 'limit=0', 'limit=201', 'archived=yes', 'search=', 'colour=red', 'limit=1&limit=2'])(
    'refuses ?%s',
    async (query) => {
      const { status, body } = await call('GET', `/products?${query}`);
      expect(status).toBe(400);
      expect(body.code).toBe('validation_failed');
    },
  );
});

describe('PATCH and DELETE /products/{sku}', () => {
  it('changes what is given, clears with null, keeps the rest', async () => {
    await create({ sku: 'P-1', name: 'before', description: 'stays', category: 'c', reorderPoint: 5, safetyStock: 3 });
    const patch = { name: 'after', category: null, safetyStock: null };
    const { status, headers, body } = await call('PATCH', '/products/P-1', patch, { 'if-match': '"1"' });
    expect(status).toBe(200);
    expect(headers['etag']).toBe('"2"');
    expect(body).toMatchObject({
      name: 'after',
      description: 'stays',
      category: null,
      reorderPoint: 5,
      safetyStock: 0,
      version: 2,
    });
    expect((await call('GET', '/products/P-1')).body).toEqual(body);
  });

  it('leaves no trace where nothing changes, nor does a level', async () => {
    const fields = { name: 'x', attributes: { size: 'L', colour: 'blue' }, unitCost: 4.2, reorderPoint: 5 };
    const before = (await create({ sku: 'P-5', ...fields })).body;
    const same = { ...fields, attributes: { colour: 'blue', size: 'L' }, safetyStock: null, description: null };
    for (const patch of [{}, { sku: 'P-5' }, same]) {
      const { status, headers, body } = await call('PATCH', '/products/P-5', patch, { 'if-match': '"1"' });
      expect(status).toBe(200);
      expect(headers['etag']).toBe('"1"');
      expect(body).toEqual(before);
    }
    await call('POST', '/locations', { code: 'P-5-L', name: 'x', type: 'store' });
    const level = '/inventory/P-5/locations/P-5-L';
    const untouched = await call('PATCH', level, { safetyStock: null, bin: { zone: null } });
    expect(untouched.body).toMatchObject({ reorderPoint: 5, version: 0 });
    expect((await call('GET', '/inventory?search=P-5')).body.items).toEqual([]);
    // The product's own number, and from now on the level's.
    expect((await call('PATCH', level, { reorderPoint: 5, bin: { zone: 'A' } })).body).toMatchObject({ version: 1 });
    for (const patch of [{}, { reorderPoint: 5, bin: { zone: 'A', shelf: null } }, { maxLevel: null }]) {
      const { headers, body } = await call('PATCH', level, patch);
      expect(headers['etag']).toBe('"1"');
      expect(body).toMatchObject({ reorderPoint: 5, version: 1 });
    }
    expect((await call('PATCH', '/products/P-5', { reorderPoint: 7, unitCost: 4.3 })).body.version).toBe(2);
    expect((await call('GET', level)).body).toMatchObject({ reorderPoint: 5, version: 1 });

    const { body } = await call('GET', '/audit?limit=200');
    const entries = body.items.filter(({ subject }: { subject: string }) => subject === 'P-5');
    const kinds = entries.map(({ kind }: { kind: string }) => kind);
    expect(kinds).toEqual(['product.updated', 'level.updated', 'product.created']);
  });

  it('refuses a stale If-Match, on both', async () => {
    await create({ sku: 'P-2', name: 'x' });
    const stale = { 'if-match': '"7"' };
    expect((await call('PATCH', '/products/P-2', { name: 'y' }, stale)).body.code).toBe('precondition_failed');
    expect((await call('DELETE', '/products/P-2', undefined, stale)).status).toBe(412);
    expect((await call('GET', '/products/P-2')).body).toMatchObject({ name: 'x', version: 1, archivedAt: null });
    const oneOfTwo = await call('PATCH', '/products/P-2', { name: 'y' }, { 'if-match': '"1", "7"' });
    expect([oneOfTwo.status, oneOfTwo.body.version]).toEqual([200, 2]);
  });

  it('renames, and the old name is free again', async () => {
    await create({ sku: 'P-3', name: 'x' });
    await create({ sku: 'P-3-taken', name: 'x' });
    expect((await call('PATCH', '/products/P-3', { sku: 'P-3-taken' })).body.code).toBe('duplicate_sku');
    expect((await call('PATCH', '/products/P-3', { sku: 'P-3-new' })).status).toBe(200);
    expect((await call('GET', '/products/P-3')).status).toBe(404);
    expect((await create({ sku: 'P-3', name: 'another' })).status).toBe(201);
  });

  it('archives: out of lists, still answering, its name taken, commands on it refused', async () => {
    await create({ sku: 'P-4', name: 'x', category: 'gone' });
    expect((await call('DELETE', '/products/P-4')).status).toBe(204);
    expect((await call('GET', '/products/P-4')).body.archivedAt).toMatch(/Z$/);
    expect(await skusOf('category=gone')).toEqual([]);
    expect(await skusOf('category=gone&archived=true')).toEqual(['P-4']);
    expect((await create({ sku: 'P-4', name: 'y' })).body.code).toBe('duplicate_sku');
    expect((await call('PATCH', '/products/P-4', { name: 'y' })).body.code).toBe('product_archived');
    const inBatch = await call('POST', '/products/batch', { products: [{ sku: 'P-4', name: 'y' }] });
    expect(inBatch.body.results[0].error.code).toBe('duplicate_sku');
  });

  it('knows no other names', async () => {
    expect((await call('GET', '/products/NOBODY')).body.code).toBe('product_not_found');
    expect((await call('PATCH', '/products/NOBODY', { name: 'x' })).body.code).toBe('product_not_found');
    expect((await call('DELETE', '/products/NOBODY')).body.code).toBe('product_not_found');
    expect((await call('PATCH', '/products/NOBODY', { createdAt: 'x' })).status).toBe(400);
  });
});

describe('under an idempotency key', () => {
  it('makes a product once and answers the repeat as the first', async () => {
    const key = { 'idempotency-key': 'create-K-1' };
    const first = await call('POST', '/products', { sku: 'K-1', name: 'x' }, key);
    const repeat = await call('POST', '/products', { name: 'x', sku: 'K-1' }, key);
    expect(repeat.status).toBe(201);
    expect(repeat.body).toEqual(first.body);
    expect(repeat.headers['location']).toBe('/api/v1/products/K-1');
    expect(repeat.headers['etag']).toBe('"1"');
    expect(repeat.headers['idempotency-replayed']).toBe('true');
    const other = await call('POST', '/products', { sku: 'K-1', name: 'y' }, key);
    expect(other.status).toBe(422);
  });

  it('lets a refused request try its key again', async () => {
    const key = { 'idempotency-key': 'create-K-2' };
    await create({ sku: 'K-2', name: 'in the way' });
    expect((await call('POST', '/products', { sku: 'K-2', name: 'x' }, key)).status).toBe(409);
    await call('PATCH', '/products/K-2', { sku: 'K-2-moved' });
    expect((await call('POST', '/products', { sku: 'K-2', name: 'x' }, key)).status).toBe(201);
  });
});
