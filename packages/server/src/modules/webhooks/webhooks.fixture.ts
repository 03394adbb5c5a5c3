import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { TestApp } from '../../../test/app.ts';
import type { Clock } from '../../kernel/clock.ts';
import { Problem } from '../../kernel/problem.ts';
import { createEgress } from '../../platform/egress/index.ts';
import { createMetrics } from '../../platform/metrics/index.ts';
import { eventProblems, matcherOf, type StreamEvent } from '../events/index.ts';
import { createWebhooks, type EventSource } from './index.ts';

/** A stream in memory: what is pushed is at once the newest. */
export class MemoryFeed implements EventSource {
  readonly events: StreamEvent[] = [];
  reads = 0;
  #forgotten = 0;
  readonly #callbacks = new Set<() => void>();

  push(subject: string, type: StreamEvent['type'] = 'stock.changed', time = new Date()): StreamEvent {
    const position = (this.events.at(-1)?.position ?? 0) + 1;
    const at = time.toISOString();
    const topics = [`product:${subject}`];
    const json = JSON.stringify({ specversion: '1.0', id: `${position}`, type, subject, time: at, position });
    const event: StreamEvent = { position, type, subject, time: at, topics, json };
    this.events.push(event);
    for (const callback of this.#callbacks) callback();
    return event;
  }

  forget(upTo: number): void {
    this.#forgotten = upTo;
  }

  head(): Promise<number> {
    return Promise.resolve(this.events.at(-1)?.position ?? 0);
  }

  now(): Promise<number> {
    return this.head();
  }

  forgotten(): Promise<number> {
    return Promise.resolve(this.#forgotten);
  }

  async positionBefore(instantMs: number): Promise<number> {
    const first = this.events.find(({ position }) => position > this.#forgotten);
    if (this.#forgotten > 0 && Date.parse(first?.time ?? '') > instantMs) await this.read(0, { limit: 1 });
    return this.positionBehind(instantMs);
  }

  positionBehind(instantMs: number): Promise<number> {
    return Promise.resolve(this.events.findLast(({ time }) => Date.parse(time) < instantMs)?.position ?? 0);
  }

  read(after: number, { limit, ...filter }: Parameters<EventSource['read']>[1]): ReturnType<EventSource['read']> {
    this.reads += 1;
    if (after < this.#forgotten) {
      const gone = new Problem(eventProblems.positionGone, 'gone', { earliest: this.#forgotten });
      return Promise.reject(gone);
    }
    const looked = this.events.filter(({ position }) => position > after).slice(0, limit);
    const position = looked.at(-1)?.position ?? after;
    return Promise.resolve({ events: looked.filter(matcherOf(filter)), position });
  }

  onAdvance(callback: () => void): () => void {
    this.#callbacks.add(callback);
    return () => this.#callbacks.delete(callback);
  }
}

export interface Received {
  headers: IncomingHttpHeaders;
  body: string;
  event: { type: string; subject: string; position: number };
}

/** An endpoint of the test's own, over HTTP. */
export class Receiver {
  readonly received: Received[] = [];
  /** What it answers; may never do so. */
  answer: (received: Received, response: ServerResponse) => void = (_received, response) => void response.end();
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const received = { headers: request.headers, body, event: JSON.parse(body) as Received['event'] };
      this.received.push(received);
      this.answer(received, response);
    });
    response.on('error', () => undefined);
  });

  static async start(): Promise<Receiver> {
    const receiver = new Receiver();
    receiver.#server.on('connection', (socket) => {
      receiver.#sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => receiver.#sockets.delete(socket));
    });
    await receiver.listen(0);
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hooks`;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Positions in the order in which they came. */
  get positions(): number[] {
    return this.received.map(({ event }) => event.position);
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A clock that goes on by itself until it is stopped, and by what a test adds. */
export class ShiftedClock implements Clock {
  shiftMs = 0;
  #stoppedMs: number | null = null;

  /** From now on it goes on by what is added alone, however long anything takes. */
  stop(): void {
    this.#stoppedMs = performance.now();
  }

  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return (this.#stoppedMs ?? performance.now()) + this.shiftMs;
  }
}

/** An instance that delivers from a stream in memory. Its worker runs when it is told to, and time passes so, too. */
export function startInstance(app: TestApp, feed: MemoryFeed) {
  const clock = new ShiftedClock();
  const told: { message: string; details: object }[] = [];
  const errors: unknown[] = [];
  const egress = createEgress({ allow: ['127.0.0.1'] });
  const { worker } = createWebhooks({
    engine: app.server.engine,
    database: app.database,
    feed,
    egress,
    metrics: createMetrics({ runtime: false }),
    clock,
    random: () => 0.5,
    onTold: (message, details) => told.push({ message, details }),
    onError: (error) => errors.push(error),
  });
  return {
    worker,
    clock,
    told,
    errors,
    /** Delivers what can be delivered now, then what can be so much later. */
    run: async (laterMs = 0) => {
      clock.shiftMs += laterMs;
      return worker.runOnce();
    },
    /** Delivers without a look at the database's leases. */
    send: () => worker.send(),
    stop: async () => {
      await worker.stop();
      egress.close();
    },
  };
}
