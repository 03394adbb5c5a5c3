import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Database } from './database.ts';
import { LaneConnection } from './lane.connection.ts';

/** A PostgreSQL that is killed as it lets somebody in: both words come in one piece. */
const LETS_IN = message('R', Buffer.alloc(4));
const READY = message('Z', Buffer.from('I'));
const KILLED = message(
  'E',
  Buffer.from('SFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0'),
);

function message(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
}

let server: Server;
let connection: { host: string; port: number; user: string };
beforeAll(async () => {
  server = createServer((socket) => {
    socket.on('error', () => undefined).once('data', () => socket.end(Buffer.concat([LETS_IN, READY, KILLED])));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  connection = { host: '127.0.0.1', port: (server.address() as AddressInfo).port, user: 'nobody' };
});
afterAll(() => server.close());

test('a session that is lost with its first answer tells its first statement', async () => {
  const database = new Database({ connection });
  const session = await database.openClient();
  await expect(session.query('SELECT 1')).rejects.toThrow('connection error');
  await session.end();
  await expect(database.pool.query('SELECT 1')).rejects.toThrow(/connection|terminat/i);
  await database.close();
});

test('a lane that is lost with its first answer is not opened', async () => {
  await expect(LaneConnection.connect(connection)).rejects.toThrow(/connection|terminat/i);
});
