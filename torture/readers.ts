import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { followEvents } from '@holdfast/client';
import type { Random } from './random.ts';

/** What a reader keeps of an event. */
export interface Read {
  position: number;
  type: string;
  subject: string;
  /** Of its data, see `digestOf`. */
  digest: string;
  /** Of a ledger entry: its level and its number there. */
  level: string | null;
  seq: number | null;
  version: number | null;
}

interface CloudEvent {
  id: string;
  type: string;
  subject: string;
  position: number;
  data: object | null;
}

/** Somebody who reads the stream from its beginning, and goes on where they were whenever the connection is lost. */
export interface Reader {
  name: string;
  events: Read[];
  /** Events that came a second time, or out of order. */
  strays: string[];
  connections: number;
  /** Refusals that no reader expects. */
  failures: string[];
  stop(): Promise<void>;
}

const RETRY_MS = 50;

/** By Server-Sent Events, with the client of the project. */
export function readBySse(name: string, address: () => string): Reader {
  return readOn(name, async (reader, signal) => {
    const onState = ({ is }: { is: string }): void => {
      if (is === 'connecting') reader.connections += 1;
    };
    for await (const event of followEvents({ baseUrl: address(), after: reader.position, signal, onState })) {
      reader.take(event);
    }
  });
}

/** The same, on another instance every few events: as a mobile phone behind a load balancer. */
export function readRestlessly(name: string, addresses: (() => string)[], random: Random): Reader {
  // Where a connection brings nothing before it is given up, the next one is given longer: the machine may be busy.
  let patienceMs = 400;
  return readOn(name, async (reader, signal) => {
    const patience = AbortSignal.timeout(random.between(20, patienceMs));
    const before = reader.events.length;
    let left = random.between(1, 300);
    reader.connections += 1;
    const options = { baseUrl: random.pick(addresses)(), after: reader.position };
    for await (const event of followEvents({ ...options, signal: AbortSignal.any([signal, patience]) })) {
      reader.take(event);
      left -= 1;
      if (left === 0) break;
    }
    patienceMs = reader.events.length > before ? 400 : Math.min(10_000, patienceMs * 2);
  });
}

/** By WebSocket, with what Node and browsers have. */
export function readByWebSocket(name: string, address: () => string): Reader {
  return readOn(name, async (reader, signal) => {
    reader.connections += 1;
    const socket = new WebSocket(`${address().replace('http', 'ws')}/api/v1/ws`);
    const end = (): void => socket.close();
    signal.addEventListener('abort', end);
    await new Promise<void>((resolve) => {
      socket.addEventListener('open', () => socket.send(JSON.stringify({ type: 'subscribe', after: reader.position })));
      socket.addEventListener('message', ({ data }) => {
        const message = JSON.parse(String(data)) as { type: string; code?: string; event?: CloudEvent };
        if (message.event !== undefined) reader.take(message.event);
        if (message.type === 'error' && message.code !== 'shutting_down') reader.failures.push(String(message.code));
      });
      socket.addEventListener('error', () => resolve());
      socket.addEventListener('close', () => resolve());
    });
    signal.removeEventListener('abort', end);
    await delay(RETRY_MS);
  });
}

/** The state that `connect` reads and writes. */
class Reading {
  readonly events: Read[] = [];
  readonly strays: string[] = [];
  readonly failures: string[] = [];
  connections = 0;
  position = 0;

  take({ id, type, subject, position, data }: CloudEvent): void {
    if (position <= this.position) this.strays.push(`${type} ${id} at ${position}, after ${this.position}`);
    this.position = Math.max(this.position, position);
    this.events.push({
      position,
      type,
      subject,
      digest: digestOf(data),
      level: type === 'stock.changed' ? `${textIn(data, 'sku')} ${textIn(data, 'location')}` : null,
      seq: numberIn(data, 'seq'),
      version: numberIn(data, 'version'),
    });
  }
}

function readOn(name: string, connect: (reading: Reading, signal: AbortSignal) => Promise<void>): Reader {
  const stop = new AbortController();
  const reading = new Reading();
  const done = (async () => {
    while (!stop.signal.aborted) {
      try {
        await connect(reading, stop.signal);
      } catch (error) {
        reading.failures.push(String(error));
        await delay(RETRY_MS);
      }
    }
  })();
  return {
    name,
    events: reading.events,
    strays: reading.strays,
    failures: reading.failures,
    get connections() {
      return reading.connections;
    },
    stop: async () => {
      stop.abort();
      await done;
    },
  };
}

function numberIn(data: object | null, name: string): number | null {
  const value = (data as Record<string, unknown> | null)?.[name];
  return typeof value === 'number' ? value : null;
}

function textIn(data: object | null, name: string): string {
  return String((data as Record<string, unknown> | null)?.[name]);
}

/** Equal for equal values, however their keys are ordered. */
export function digestOf(value: unknown): string {
  return createHash('sha1').update(canonical(value)).digest('base64');
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(',')}}`;
}
