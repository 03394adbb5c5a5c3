import { expect, inject, test } from 'vitest';
import pg from 'pg';
import { makeDatabase } from './database.ts';
import { CommitProxy, type Cut, CUTS } from './proxy.ts';
import { cutAtCommit } from './proxy.scenario.ts';
import { expectHeld, JUDGED } from './report.fixture.ts';
import { CommitDetector, WireReader } from './wire.ts';

// The long form: npm run torture -- --only commit
test('whoever loses the database at COMMIT is never told a wrong outcome', JUDGED, async () => {
  const report = await cutAtCommit({ postgres: inject('postgres'), seconds: 5, clients: 12, seed: 3 });
  console.log('cut at COMMIT:', report.facts);
  expectHeld(report);
});

test('the proxy does to a COMMIT what it says', async () => {
  const postgres = inject('postgres');
  const database = await makeDatabase(postgres);
  const next: { cut: Cut | null } = { cut: null };
  const proxy = new CommitProxy({
    upstream: { path: `${postgres.host}/.s.PGSQL.${postgres.port}` },
    onCommit: () => next.cut,
  });
  const port = await proxy.listen();
  const plain = new pg.Client(database.connection);
  await plain.connect();
  try {
    await plain.query('CREATE TABLE told (cut text)');
    for (const cut of [null, ...CUTS]) {
      next.cut = cut;
      const client = new pg.Client({ ...database.connection, host: '127.0.0.1', port, query_timeout: 500 });
      client.on('error', () => undefined);
      await client.connect();
      await client.query('BEGIN');
      await client.query('INSERT INTO told VALUES ($1)', [cut ?? 'none']);
      const committed = client.query('COMMIT').then(
        () => true,
        () => false,
      );
      expect({ cut, committed: await committed }).toEqual({ cut, committed: cut === null });
      await client.end().catch(() => undefined);
    }
    const isOver = `SELECT count(*)::int AS open FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle in transaction'`;
    await expect.poll(async () => (await plain.query<{ open: number }>(isOver)).rows[0]?.open).toBe(0);
    const { rows } = await plain.query<{ cut: string }>('SELECT cut FROM told ORDER BY cut');
    expect(rows.map(({ cut }) => cut)).toEqual(['after', 'answered', 'none', 'silent after']);
  } finally {
    await plain.end();
    await proxy.close();
    await database.drop();
  }
});

const message = (type: string, body: string): Buffer => {
  const bytes = Buffer.from(`${type}\0\0\0\0${body}`, 'latin1');
  bytes.writeInt32BE(bytes.length - type.length, type.length);
  return bytes;
};

test('a COMMIT is seen however it is sent, and however its bytes arrive', () => {
  const sent = Buffer.concat([
    message('', '\0\x03\0\0user\0holdfast\0\0'),
    message('Q', 'BEGIN\0'),
    message('Q', ' commit \0'),
    message('P', 'end it\0COMMIT\0\0\0'),
    message('P', '\0SELECT 1\0\0\0'),
    message('B', '\0end it\0\0\0\0\0\0\0'),
    message('E', '\0\0\0\0\0'),
    message('B', '\0\0\0\0\0\0\0\0'),
    message('E', '\0\0\0\0\0'),
    message('S', ''),
    message('Q', "INSERT INTO note VALUES ('commit')\0"),
  ]);
  for (const step of [1, 3, 7, sent.length]) {
    const reader = new WireReader();
    const detector = new CommitDetector();
    const seen: string[] = [];
    for (let at = 0; at < sent.length; at += step) {
      for (const one of reader.read(sent.subarray(at, at + step))) {
        seen.push(`${one.type}${detector.isCommit(one) ? '!' : ''}`);
      }
    }
    expect(seen).toEqual(['', 'Q', 'Q!', 'P', 'P', 'B', 'E!', 'B', 'E', 'S', 'Q']);
  }
});
