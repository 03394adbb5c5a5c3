import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isOpen, readStream, startLiveApp, type LiveApp, type Reader } from './live.fixture.ts';

let one: LiveApp;
const readers: Reader[] = [];

beforeAll(async () => {
  one = await startLiveApp();
  await one.call('POST', '/locations', { code: 'WH', name: 'Hall', type: 'warehouse' });
});
afterEach(() => {
  for (const reader of readers.splice(0)) reader.close();
});
afterAll(() => one.close());

function read(query = ''): Reader {
  const reader = readStream(one.url, { query });
  readers.push(reader);
  return reader;
}

/** The stream as text, from a client that knows nothing of events. */
async function openRaw(query = '', headers: Record<string, string> = {}) {
  const abort = new AbortController();
  const answer = await fetch(`${one.url}/api/v1/events/stream${query}`, { headers, signal: abort.signal });
  const text = { value: '' };
  void (async () => {
    const decoder = new TextDecoder();
    try {
      for await (const chunk of answer.body ?? []) text.value += decoder.decode(chunk, { stream: true });
    } catch {
      // Aborted by the test.
    }
  })();
  return { answer, text, close: () => abort.abort() };
}

describe('GET /events/stream', () => {
  it('answers at once with headers and a comment, though nothing happens', async () => {
    const { answer, text, close } = await openRaw();
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    expect(answer.headers.get('cache-control')).toBe('no-cache, no-transform');
    expect(answer.headers.get('x-accel-buffering')).toBe('no');
    expect(answer.headers.get('x-request-id')).not.toBeNull();
    await expect.poll(() => text.value).toMatch(/^: holdfast events\n\nretry: \d+\nid: \d+\n\n$/);
    close();
  });

  it('tells what happens from now on, each event once, as the ledger has it', async () => {
    await one.makeProduct('A');
    const reader = read();
    await isOpen(reader);
    await one.add('A');
    await one.add('A');
    await expect.poll(() => reader.events.length).toBe(2);
    expect(reader.events.map(({ data }) => data)).toEqual((await one.ledgerOf('A')).slice(1));
    expect(reader.events[0]).toMatchObject({ specversion: '1.0', type: 'stock.changed', subject: 'A' });
    expect(reader.lastEventId()).toBe(String(reader.events[1]?.position));
  });

  it('has the frame of an event as the contract says', async () => {
    const { text, close } = await openRaw('?types=stock.changed');
    await one.add('A');
    await expect.poll(() => text.value).toMatch(/\nid: (\d+)\nevent: stock\.changed\ndata: \{.*\}\n\n$/);
    close();
  });

  it('begins behind `after`, and `Last-Event-ID` counts more', async () => {
    const reader = read('?after=0&topics=product:A');
    await expect.poll(() => reader.events.length).toBe(5);
    const [, , third] = reader.events;
    const { text, close } = await openRaw('?after=0&topics=product:A', { 'last-event-id': String(third?.position) });
    await expect.poll(() => text.value.match(/^data: /gm)?.length).toBe(2);
    close();
  });

  it('filters by topics and types', async () => {
    await one.makeProduct('B');
    const all = read('?after=0&topics=product:B');
    const some = read('?after=0&topics=product:B&types=product.*');
    await expect.poll(() => [all.events.length, some.events.length]).toEqual([2, 1]);
    await one.add('B');
    await one.add('A');
    await expect.poll(() => all.events.length).toBe(3);
    expect(all.events.map(({ type }) => type)).toEqual(['product.created', 'stock.changed', 'stock.changed']);
    expect(some.events.map(({ type }) => type)).toEqual(['product.created']);
  });

  it.each([
    ['?topics=everything', {}, 'topics'],
    ['?types=nonsense', {}, 'types'],
    ['?after=-1', {}, 'after'],
    ['?cursor=abc', {}, 'cursor'],
    ['', { 'last-event-id': 'abc' }, 'Last-Event-ID'],
    ['', { 'last-event-id': '99999999999999999999' }, 'Last-Event-ID'],
  ])('refuses %s %j', async (query, headers, path) => {
    const answer = await fetch(`${one.url}/api/v1/events/stream${query}`, { headers });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: 'validation_failed', errors: [{ path }] });
  });

  it('answers HEAD with the headers alone, and other methods with 405', async () => {
    const head = await fetch(`${one.url}/api/v1/events/stream`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    const post = await fetch(`${one.url}/api/v1/events/stream`, { method: 'POST' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
  });
});
