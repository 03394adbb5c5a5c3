import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';

const EVENTS = 20;
const EVENT_BYTES = 1_000_000;

describe('events of a megabyte', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp();
    const owner = new pg.Client(app.connection);
    await owner.connect();
    await owner.query(
      `WITH entry AS (INSERT INTO journal_entry (id, at, kind, actor, subject, data)
          SELECT n, now(), 'product.updated', 'open', 'MUG', '{"notes":"' || repeat('x', $2) || '"}' FROM generate_series(1, $1) n),
        laid AS (INSERT INTO event_batch (first_id, last_id, at, ledger_until, position) VALUES (1, $1, now(), now(), 1))
        UPDATE event_stream SET head = $1, origin = event_stream_origin()`,
      [EVENTS, EVENT_BYTES],
    );
    await owner.end();
  });
  afterAll(() => app.close());

  it('are read a few at once, each of them', async () => {
    const { feed } = app.server.events;
    const sizes: number[] = [];
    const positions: number[] = [];
    for (let after = 0; after < EVENTS;) {
      const batch = await feed.read(after, { limit: 1_000 });
      expect(batch.position).toBeGreaterThan(after);
      sizes.push(batch.events.length);
      positions.push(...batch.events.map(({ position }) => position));
      after = batch.position;
    }
    expect(sizes).toEqual([8, 8, 4]);
    expect(positions).toEqual(Array.from({ length: EVENTS }, (_, index) => index + 1));
  });

  it('are listed a few at once, each of them', async () => {
    const sizes: number[] = [];
    const positions: number[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const from = cursor === '' ? '' : `&cursor=${cursor}`;
      const answer = await app.app.inject({ url: `/api/v1/events?limit=200${from}` });
      const page: { items: { position: number }[]; nextCursor: string | null } = answer.json();
      sizes.push(page.items.length);
      positions.push(...page.items.map(({ position }) => position));
      cursor = page.nextCursor;
    }
    expect(sizes).toEqual([8, 8, 4]);
    expect(positions).toEqual(Array.from({ length: EVENTS }, (_, index) => index + 1));
  });

  it('come to who follows, each once and in order', async () => {
    const positions: number[] = [];
    const abort = new AbortController();
    const address = await app.app.listen({ port: 0, host: '127.0.0.1' });
    const answer = await fetch(`${address}/api/v1/events/stream?after=3`, { signal: abort.signal });
    let rest = '';
    for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const lines = (rest.slice(-100) + chunk).split('\n');
      for (const line of lines)
        if (/^id: \d+$/.test(line) && Number(line.slice(4)) > 3) positions.push(Number(line.slice(4)));
      rest = lines.at(-1) ?? '';
      if (positions.at(-1) === EVENTS) break;
    }
    abort.abort();
    expect(positions).toEqual(Array.from({ length: EVENTS - 3 }, (_, index) => index + 4));
  });
});
