import type { IncomingMessage } from 'node:http';
import { expect, it, vi } from 'vitest';
import { Problem, problems } from '../../kernel/problem.ts';
import { OPEN, type Caller } from '../../platform/auth/index.ts';
import type { EventStream } from '../../platform/http/event.stream.ts';
import { Outflow } from '../../platform/http/outflow.ts';
import { EventBroadcast, type FollowedFeed } from './event.follower.ts';
import { EventTail } from './event.tail.ts';
import { LiveConnections, type LiveConnection } from './live.connections.ts';
import { SseConnection } from './sse.connection.ts';
import { FrameMaker } from './sse.frames.ts';

const request = {} as IncomingMessage;

function connectionThat(said: string[]): LiveConnection & { isEnded: boolean } {
  const connection = {
    request,
    isEnded: false,
    tick: () => said.push('tick'),
    end: ({ code }: Problem) => {
      connection.isEnded = true;
      said.push(code);
    },
  };
  return connection;
}

it('takes so many connections, and none while it stops', () => {
  const live = new LiveConnections({ authenticate: () => OPEN, connectionsMax: 2 });
  const said: string[] = [];
  for (let count = 0; count < 2; count += 1) {
    live.admit(OPEN);
    live.add(connectionThat(said), OPEN);
  }
  expect(() => live.admit(OPEN)).toThrow(
    expect.objectContaining({ code: 'too_many_connections', status: 503 }) as Error,
  );
  live.close();
  expect(said).toEqual(['shutting_down', 'shutting_down']);
  expect(() => live.admit(OPEN)).toThrow(expect.objectContaining({ code: 'shutting_down' }) as Error);
  const late = connectionThat(said);
  live.add(late, OPEN);
  expect(late.isEnded).toBe(true);
});

it('takes a share of them from one caller', () => {
  const live = new LiveConnections({ authenticate: () => OPEN, connectionsMax: 8 });
  const [one, other] = ['key:1', 'key:2'].map((actor): Caller => ({ ...OPEN, actor }));
  if (one === undefined || other === undefined) throw new Error('two callers');
  const said: string[] = [];
  const first = connectionThat(said);
  for (const connection of [first, connectionThat(said)]) live.add(connection, one);
  const refusal = expect.objectContaining({ code: 'too_many_of_caller', status: 429 }) as Error;
  expect(() => live.admit(one)).toThrow(refusal);
  live.admit(other);
  live.remove(first);
  live.remove(first);
  live.admit(one);
  live.add(first, one);
  expect(() => live.admit(one)).toThrow(refusal);
  for (let count = 0; count < 4; count += 1) live.add(connectionThat(said), OPEN);
  live.admit(OPEN);
});

it.each<[string, () => Caller | Promise<Caller>, string]>([
  ['is refused', () => Promise.reject(new Problem(problems.unauthorized, 'revoked')), 'unauthorized'],
  ['has the scope no longer', () => ({ ...OPEN, scopes: new Set(['ingest' as const]) }), 'forbidden'],
])('ends a connection whose caller %s, and looks at it no more', async (_name, authenticate, code) => {
  const live = new LiveConnections({ authenticate });
  const said: string[] = [];
  live.add(connectionThat(said), OPEN);
  for (let tick = 0; tick < 3; tick += 1) {
    live.tick();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(said).toEqual(['tick', code]);
});

it('lets a connection go on while nobody can say whether it may', async () => {
  const errors: unknown[] = [];
  const away = new Problem(problems.databaseUnavailable, 'away');
  const live = new LiveConnections({
    authenticate: () => Promise.reject(away),
    onError: (error) => errors.push(error),
  });
  const said: string[] = [];
  live.add(connectionThat(said), OPEN);
  live.tick();
  await new Promise((resolve) => setImmediate(resolve));
  live.tick();
  expect([said, errors]).toEqual([['tick', 'tick'], [away]]);
});

it('says something every 15 s where nothing happens, with the place to resume from', () => {
  let text = '';
  const outflow = new Outflow(
    (bytes, _isLast, sent) => {
      text += bytes.toString();
      sent();
    },
    () => undefined,
  );
  const stream: EventStream = { request, outflow, end: () => undefined, cut: () => undefined };
  const follow = () => ({ position: 57, stop: () => undefined });
  const broadcast = { follow } as unknown as EventBroadcast;
  const frames = new FrameMaker();
  const connection = new SseConnection({ stream, broadcast, frames, filter: frames.filterOf({}), after: 42 });
  expect(text).toMatch(/^: holdfast events\n\nretry: \d+\nid: 42\n\n$/);
  text = '';
  connection.tick(performance.now() + 14_000);
  expect(text).toBe('');
  connection.tick(performance.now() + 15_000);
  expect(text).toBe(': heartbeat\nid: 57\n\n');
});

it('makes what many get once, and for each what only they have not', () => {
  const frames = new FrameMaker();
  const event = {
    position: 5,
    type: 'stock.changed' as const,
    subject: 'A',
    time: '',
    topics: ['product:A'],
    json: '{}',
  };
  const span = { after: 3, position: 7, events: [event, { ...event, position: 6, topics: ['product:B'] }] };
  const a = frames.filterOf({ topics: ['product:A'] });
  expect(frames.filterOf({ topics: ['product:A'], types: [] })).toBe(a);
  const made = frames.framesOf(span, 3, a);
  expect(made?.toString()).toBe('id: 5\nevent: stock.changed\ndata: {}\n\n');
  expect(frames.framesOf(span, 2, a)).toBe(made);
  expect(frames.framesOf(span, 5, a)).toBeNull();
  expect(frames.framesOf(span, 5, frames.filterOf({}))?.toString()).toContain('id: 6\n');
});

it('hands over part by part, and knows when a reader does not keep up', () => {
  const waiting: (() => void)[] = [];
  const handed: [bytes: number, isLast: boolean][] = [];
  const said: string[] = [];
  const outflow = new Outflow(
    (part, isLast, sent) => {
      handed.push([part.length, isLast]);
      waiting.push(sent);
    },
    () => said.push('room'),
  );
  outflow.write(Buffer.alloc(100_000));
  outflow.write(Buffer.alloc(40_000));
  expect([outflow.isFull, handed]).toEqual([true, [[32_768, false]]]);
  outflow.end(() => said.push('end'));
  for (let sent = waiting.shift(); sent !== undefined; sent = waiting.shift()) sent();
  expect(handed.slice(1)).toEqual([
    [32_768, false],
    [32_768, false],
    [1_696, true],
    [32_768, false],
    [7_232, true],
  ]);
  expect([outflow.isFull, outflow.stalledMs, said]).toEqual([false, null, ['room', 'end']]);
});

it('gives a reader no more of a page at a time than the reader has room for', () => {
  const events = Array.from({ length: 1_000 }, (_, index) => ({
    position: index + 1,
    type: 'stock.changed' as const,
    subject: 'A',
    time: '',
    topics: ['product:A'],
    json: JSON.stringify({ position: index + 1, notes: 'x'.repeat(700) }),
  }));
  const tail = new EventTail();
  tail.restart(0);
  tail.push({ events, after: 0, position: 1_005 });
  const feed = { tail, position: 1_005, subscribe: () => () => undefined } as unknown as FollowedFeed;
  const waiting: (() => void)[] = [];
  let text = '';
  const outflow = new Outflow(
    (bytes, _isLast, sent) => {
      text += bytes.toString();
      waiting.push(sent);
    },
    () => connection.onRoom(),
  );
  const write = vi.spyOn(outflow, 'write');
  const stream: EventStream = { request, outflow, end: () => undefined, cut: () => undefined };
  const frames = new FrameMaker();
  const filter = frames.filterOf({});
  const connection = new SseConnection({ stream, broadcast: new EventBroadcast(feed), frames, filter, after: 0 });
  expect(outflow.isFull).toBe(true);
  expect(write.mock.calls.reduce((sum, [bytes]) => sum + bytes.length, 0)).toBeLessThan(262_144);
  for (let sent = waiting.shift(); sent !== undefined; sent = waiting.shift()) sent();
  expect([...text.matchAll(/^id: (\d+)\nevent/gm)].map(([, id]) => Number(id))).toEqual(
    events.map(({ position }) => position),
  );
});
