import { expect, test } from 'vitest';
import { Database } from '../platform/database/index.ts';
import { Door } from './door.fixture.ts';
import { META, openStock } from './stock.fixture.ts';
import { transact } from './transact.ts';

test('a server that panics when a COMMIT is durable: the command is done once, and answered', async () => {
  const stock = await openStock({});
  const door = new Door(stock.connection);
  const port = await door.open();
  const database = new Database({ connection: { ...stock.connection, host: '127.0.0.1', port } });
  try {
    await database.chooseRole();
    door.panics = 1;
    const answer = await transact(database, META, () =>
      Promise.resolve({ status: 201, body: {}, journal: [{ kind: 'test.done', subject: 'it', data: {} }] }),
    );
    expect([answer.status, door.panics]).toEqual([201, 0]);
    const { rows } = await stock.watcher.query(`SELECT 1 FROM journal_entry WHERE kind = 'test.done'`);
    expect(rows).toHaveLength(1);
  } finally {
    await database.close();
    door.close();
    await stock.close();
  }
});

test('transactions that wait leave sessions to reads, and go on in their order', async () => {
  const stock = await openStock({});
  const database = new Database({ connection: stock.connection, poolMax: 2 });
  try {
    let goOn = (): void => undefined;
    const row = new Promise<void>((resolve) => (goOn = resolve));
    const done: number[] = [];
    const wait = async (turn: number): Promise<void> => {
      await database.transaction(60_000, () => row);
      done.push(turn);
    };
    const waiting = Promise.all([1, 2, 3].map(wait));
    const late = database.transaction(1, () => row);
    await expect(late).rejects.toThrow('Too many wait for rows that another writer holds.');
    const { rows } = await database.pool.query('SELECT 1 AS one');
    expect([rows, done]).toEqual([[{ one: 1 }], []]);
    goOn();
    await waiting;
    expect(done).toEqual([1, 2, 3]);
  } finally {
    await database.close();
    await stock.close();
  }
});
