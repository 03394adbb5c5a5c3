import { execFile } from 'node:child_process';
import { chmod, open, readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeDirectory, runHoldfast, serveHoldfast, statusOf, type ServingProcess } from './holdfast.process.ts';
import { postJson } from './http.load.ts';

interface Verified {
  clean: boolean;
  checked: { products: number; levels: number; ledgerEntries: number; reservations: number };
}

interface Events {
  items: { type: string; subject: string }[];
  position: number;
}

/** The last page of the stream behind a position. */
async function eventsAfter(address: string, position: number): Promise<Events> {
  const answer = await fetch(`${address}/api/v1/events?limit=200&after=${position}`);
  const page = (await answer.json()) as Events & { nextCursor: string | null };
  return page.nextCursor === null ? page : eventsAfter(address, page.position);
}

describe('holdfast backup and restore', () => {
  let directory: Awaited<ReturnType<typeof makeDirectory>>;
  let data: string;
  let server: ServingProcess;
  /** The ledger entries that were acknowledged. */
  let entries = 0;

  const at = (name: string): string => join(directory.path, name);
  const backup = (target: string, ...args: string[]) => runHoldfast(['backup', at(target), '--data', data, ...args]);
  const restore = (source: string, target: string, ...args: string[]) =>
    runHoldfast(['restore', at(source), '--data', at(target), ...args]);
  const verify = async (target: string): Promise<Verified> =>
    JSON.parse((await runHoldfast(['verify', '--json', '--data', at(target)])).stdout) as Verified;
  const receive = async (quantity: number): Promise<void> => {
    const adjustment = { location: 'WH1', type: 'add', quantity, movement: 'receipt' };
    const answer = await postJson(`${server.address}/api/v1/inventory/SHIRT/adjust`, adjustment);
    expect(answer.status).toBe(200);
    await answer.arrayBuffer();
    entries += 1;
  };
  const reserve = async (): Promise<void> => {
    const answer = await postJson(`${server.address}/api/v1/inventory/SHIRT/reserve`, { quantity: 1, location: 'WH1' });
    expect(answer.status).toBe(201);
    await answer.arrayBuffer();
    entries += 1;
  };

  beforeAll(async () => {
    directory = await makeDirectory();
    data = at('data');
    server = await serveHoldfast(['--port', '0', '--data', data]);
    await postJson(`${server.address}/api/v1/locations`, { code: 'WH1', name: 'Warehouse', type: 'warehouse' });
    await postJson(`${server.address}/api/v1/products`, { sku: 'SHIRT', name: 'Shirt' });
    await receive(100_000);
    for (let index = 0; index < 20; index += 1) await reserve();
  });
  afterAll(async () => {
    await server.stop();
    await directory.remove();
  });

  test('an archive holds the state of its end, whatever is written later', async () => {
    const before = entries;
    const made = await backup('quiet.tar.gz');
    expect(made).toMatchObject({ code: 0, stderr: '' });
    for (let index = 0; index < 20; index += 1) await reserve();
    expect(await restore('quiet.tar.gz', 'quiet')).toMatchObject({ code: 0, stderr: '' });
    expect(await verify('quiet')).toMatchObject({
      clean: true,
      checked: { products: 1, levels: 1, ledgerEntries: before, reservations: 20 },
    });
  });

  test('under load: everything acknowledged before it began, nothing that began after it ended', async () => {
    let isOver = false;
    const load = Array.from({ length: 8 }, async () => {
      while (!isOver) await reserve();
    });
    const before = entries;
    const made = await backup('busy');
    isOver = true;
    await Promise.all(load);
    expect(made.code).toBe(0);
    expect(entries - before).toBeGreaterThan(100);
    expect((await restore('busy', 'restored')).code).toBe(0);
    const { clean, checked } = await verify('restored');
    expect(clean).toBe(true);
    expect(checked.ledgerEntries).toBeGreaterThanOrEqual(before);
    expect(checked.ledgerEntries).toBeLessThanOrEqual(entries);
    const copy = await serveHoldfast(['--port', '0', '--data', at('restored')]);
    expect(await statusOf(`${copy.address}/api/v1/inventory/SHIRT`)).toBe(200);
    const more = await postJson(`${copy.address}/api/v1/inventory/SHIRT/reserve`, { quantity: 1, location: 'WH1' });
    expect(more.status).toBe(201);
    // Readers of the original know positions that the copy would give again: it goes on far above them.
    const head = (await eventsAfter(server.address, 0)).position;
    const after = await eventsAfter(copy.address, head);
    expect(after.items.at(-1)).toMatchObject({ type: 'stock.changed', subject: 'SHIRT' });
    expect(after.position).toBeGreaterThan(head + 2 ** 31);
    await copy.stop();
  });

  test('--check starts it and verifies; any tar can unpack it', async () => {
    const made = await backup('checked.tar', '--check');
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(made.stdout).toMatch(/^Backed up .+\nClean: 1 levels, /);
    await promisify(execFile)('tar', ['-xf', at('checked.tar'), '-C', directory.path, '--one-top-level=unpacked']);
    await chmod(at('unpacked'), 0o711);
    // Of somebody who works with another PostgreSQL.
    const theirs = { PGOPTIONS: '-c search_path=other', PGSSLMODE: 'require', PGSSLNEGOTIATION: 'direct' };
    expect(await runHoldfast(['restore', at('unpacked'), '--check'], theirs)).toMatchObject({ code: 0 });
  });

  test('nothing is overwritten: not a backup, not data, and not what a server has open', async () => {
    const again = await backup('checked.tar');
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('exists already: a backup never overwrites.');
    const twice = await Promise.all([backup('twice.tar.gz'), backup('twice.tar.gz')]);
    expect(twice.map(({ code }) => String(code)).sort()).toEqual(['0', '1']);
    expect((await readdir(directory.path)).filter((name) => name.startsWith('twice'))).toEqual(['twice.tar.gz']);
    const there = await restore('checked.tar', 'quiet');
    expect(there.code).toBe(1);
    expect(there.stderr).toContain('Restore to another directory with --data, or move these aside with --force.');
    const running = await restore('checked.tar', 'data', '--force');
    expect(running.code).toBe(1);
    expect(running.stderr).toContain('stop Holdfast before you restore over its data.');
    const forced = await restore('checked.tar', 'quiet', '--force');
    expect(forced.code).toBe(0);
    expect(forced.stdout).toMatch(/^Restored .+\nThe data that were there are in .+\.before-restore-/);
    expect((await readdir(at('quiet'))).filter((name) => name.startsWith('postgres.before-restore-'))).toHaveLength(1);
    expect((await verify('quiet')).checked.ledgerEntries).toBe(entries);
  });

  test('a damaged backup is told, and nothing of it is put in place', async () => {
    const { size } = await stat(at('checked.tar'));
    const handle = await open(at('checked.tar'), 'r+');
    // In the last segment of the log, of 16 MiB: elsewhere it may be a header, or what only fills a block.
    await handle.write('damage', size - 4 * 1_048_576);
    await handle.close();
    await truncate(at('quiet.tar.gz'), 1_000_000);
    const flipped = await restore('checked.tar', 'nothing');
    expect(flipped.code).toBe(2);
    expect(flipped.stderr).toContain('The backup is damaged: ');
    const cut = await restore('quiet.tar.gz', 'nothing');
    expect(cut.code).toBe(2);
    expect(cut.stderr).toContain('The archive is damaged, or was cut short');
    expect(await readdir(at('nothing'))).toEqual([]);
    const stranger = await restore('data', 'nothing');
    expect(stranger.code).toBe(2);
    expect(stranger.stderr).not.toContain('    at ');
  });

  test('a database of your own is backed up by its own tools', async () => {
    const asked = await runHoldfast(['backup', at('other')], { DATABASE_URL: 'postgres://shop@db.example.com/shop' });
    expect(asked.code).toBe(2);
    expect(asked.stderr).toContain('pg_dump --format=custom');
  });
});
