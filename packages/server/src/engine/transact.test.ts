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
