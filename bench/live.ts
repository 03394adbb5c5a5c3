// node --conditions=holdfast-source bench/live.ts: a thousand open connections, and one stock change to all of them.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';
import { ApiClient } from './api.client.ts';
import { stopDatabaseBelow } from './database.process.ts';
import { Histogram } from './histogram.ts';
import { startRig, type Rig } from './rig.ts';
import { seedStock } from './seed.ts';
import { codeOf, skuOf } from './traffic.ts';

const OPENED_AT_ONCE = 50;
const PAUSE_MS = 50;
const ALL_WITHIN_MS = 10_000;
const TARGET_P99_MS = 500;

const { values } = parseArgs({
  options: { connections: { type: 'string', default: '1000' }, changes: { type: 'string', default: '100' } },
});
const CONNECTIONS = Number(values.connections);
const CHANGES = Number(values.changes);

/** Told of every event, and when it came. */
type OnEvent = () => void;
type Kind = 'Server-Sent Events' | 'WebSocket';

/** Resolves once the server serves it. @returns closes it */
type Opener = (port: number, onEvent: OnEvent) => Promise<() => void>;

/** Bare sockets: a thousand of anything more would be a benchmark of the client. */
const openSse: Opener = (port, onEvent) =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', reject);
    socket.on('data', (data) => {
      if (data.includes('event: stock.changed')) onEvent();
      else if (data.includes('retry: ')) resolve(() => socket.destroy());
    });
    socket.write('GET /api/v1/events/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  });

const openWebSocket: Opener = (port, onEvent) =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/ws`);
    socket.on('error', reject);
    socket.on('open', () => socket.send('{"type":"subscribe"}'));
    socket.on('message', (data: Buffer) => {
      if (data.includes('"subscribed"')) resolve(() => socket.terminate());
      else onEvent();
    });
  });

interface Measured {
  kind: Kind;
  openedMs: number;
  kibPerConnection: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  serverMsPerChange: number;
}

/** From the sending of the command, its commit and its answer included, to the arrival at each connection. */
async function measure(rig: Rig, kind: Kind, open: Opener): Promise<Measured> {
  const api = new ApiClient(rig.appPort);
  const histogram = new Histogram();
  let sentAt = 0;
  let missing = 0;
  const onEvent = (): void => {
    histogram.record(performance.now() - sentAt);
    missing -= 1;
  };
  await delay(1_000);
  const empty = await rig.usage();
  const startedAt = performance.now();
  const close: (() => void)[] = [];
  for (let count = 0; count < CONNECTIONS; count += OPENED_AT_ONCE) {
    const some = Array.from({ length: Math.min(OPENED_AT_ONCE, CONNECTIONS - count) });
    close.push(...(await Promise.all(some.map(() => open(rig.appPort, onEvent)))));
  }
  const openedMs = performance.now() - startedAt;
  await rig.settle();
  const full = await rig.usage();
  for (let change = 0; change < CHANGES; change += 1) {
    missing = CONNECTIONS;
    sentAt = performance.now();
    const body = { location: codeOf(0), type: 'add', quantity: 1 };
    await api.post(`/inventory/${skuOf(change % 10)}/adjust`, body);
    while (missing > 0) {
      if (performance.now() - sentAt > ALL_WITHIN_MS) throw new Error(`${missing} connections were told nothing`);
      await delay(1);
    }
    await delay(PAUSE_MS);
  }
  const after = await rig.usage();
  for (const each of close) each();
  const { p50Ms, p99Ms, maxMs } = histogram.summary();
  return {
    kind,
    openedMs,
    // After the changes: what Node keeps to write to each is in it.
    kibPerConnection: ((after.rssMb - empty.rssMb) * 1_024) / CONNECTIONS,
    p50Ms,
    p99Ms,
    maxMs,
    serverMsPerChange: (after.cpuMs - full.cpuMs) / CHANGES,
  };
}

async function main(): Promise<boolean> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  chmodSync(directory, 0o755);
  const rig = await startRig(join(directory, 'data'));
  try {
    await seedStock(new ApiClient(rig.appPort), { products: 10, locations: 1 });
    const all = [await measure(rig, 'Server-Sent Events', openSse), await measure(rig, 'WebSocket', openWebSocket)];
    console.log(`${CONNECTIONS} connections to one server, ${CHANGES} changes, each to all of them`);
    for (const { kind, openedMs, kibPerConnection, p50Ms, p99Ms, maxMs, serverMsPerChange } of all) {
      console.log(
        `${kind}: p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, longest ${maxMs.toFixed(1)} ms; ` +
          `${kibPerConnection.toFixed(1)} KiB a connection; ${serverMsPerChange.toFixed(1)} ms of the server's CPU a change; ` +
          `opened in ${openedMs.toFixed(0)} ms`,
      );
    }
    return all.every(({ p99Ms }) => p99Ms < TARGET_P99_MS);
  } finally {
    await rig.stop();
    await stopDatabaseBelow(directory);
    rmSync(directory, { recursive: true, force: true });
  }
}

process.exit((await main()) ? 0 : 1);
