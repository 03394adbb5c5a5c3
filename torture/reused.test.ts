import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ApiClient, codeOf, NoAnswer } from './api.client.ts';
import { numberOf, withClient } from './database.ts';
import { childrenOf, endProcess, findPostmaster, makeDataDirectory, patiently, startHoldfast } from './holdfast.ts';
import { CommitProxy } from './proxy.ts';
import { openShop } from './shop.ts';

/** What is lost, by how it is committed: by the engine's lanes, and in a transaction of its own. */
const LOST = [
  {
    call: reserve('SKU-1', 'lost'),
    there: `SELECT count(*) FROM reservation WHERE order_id = 'lost'`,
  },
  {
    call: {
      method: 'POST',
      path: '/api/v1/locations',
      body: { code: 'LOST', name: 'lost', type: 'virtual' },
    },
    there: `SELECT count(*) FROM location WHERE code = 'LOST'`,
  },
] as const;

// PostgreSQL writes a transaction's number to disk with its first flushed record. One that dies before that is forgotten,
// and the next transaction after the crash gets the same number: that it committed says nothing about the first.
test('a transaction number that comes again after a crash is not taken for an outcome', async () => {
  const data = await makeDataDirectory();
  const neighbour = await startHoldfast({ HOLDFAST_DATA: data.path });
  const { connection } = await findPostmaster(data.path);
  let isArmed = false;
  let crashed: Promise<void> = Promise.resolve();
  const proxy = new CommitProxy({
    upstream: { path: `${connection.host}/.s.PGSQL.${connection.port}` },
    onCommit: () => {
      if (!isArmed) return null;
      isArmed = false;
      proxy.stayAway(60_000);
      crashed = crash(data.path);
      return 'before';
    },
  });
  const port = await proxy.listen();
  const server = await startHoldfast({ DATABASE_URL: `postgresql://holdfast@127.0.0.1:${port}/holdfast` });
  const api = new ApiClient(server.address);
  const other = new ApiClient(neighbour.address);
  try {
    await openShop(other, 2, 1, 1_000);
    await api.must(reserve('SKU-1', 'warm'));
    const heard: string[] = [];
    for (const lost of LOST) {
      await delay(1_000);
      isArmed = true;
      const asked = api.call(lost.call).catch((error: unknown) => {
        if (error instanceof NoAnswer) return null;
        throw error;
      });
      while (isArmed) await delay(1);
      await crashed;
      // Whoever writes first after the crash gets the lost transaction's number.
      await patiently(async () => {
        for (let write = 0; write < 20; write += 1) await other.must(reserve('SKU-2', 'after'));
      });
      proxy.stayAway(0);
      const answer = await asked;
      const there = await patiently(() => withClient(connection, (client) => numberOf(client, lost.there)));
      const told = answer === null ? 'nothing' : answer.status === 201 ? 'done' : codeOf(answer);
      heard.push(`${told}, ${there} there`);
      await patiently(() => api.must(reserve('SKU-1', 'between')));
    }
    const honest = new Set([
      'done, 1 there',
      'outcome_unknown, 0 there',
      'database_unavailable, 0 there',
      'nothing, 0 there',
    ]);
    expect(heard.filter((one) => !honest.has(one))).toEqual([]);
  } finally {
    api.close();
    other.close();
    await server.stop();
    await proxy.close();
    await neighbour.stop();
    await data.remove();
  }
}, 300_000);

function reserve(sku: string, orderId: string) {
  const body = { orderId, lines: [{ sku, location: 'LOC-1', quantity: 1 }] };
  return { method: 'POST', path: '/api/v1/reservations', body } as const;
}

/** All of PostgreSQL at once, as when its machine loses power: what was in its memory alone is lost. */
async function crash(dataDirectory: string): Promise<void> {
  const { pid } = await findPostmaster(dataDirectory);
  for (const one of [{ pid }, ...(await childrenOf(pid))]) endProcess(one.pid, 'SIGKILL');
}
