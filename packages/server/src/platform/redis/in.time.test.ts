import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { inTime, TooLate } from './in.time.ts';

/** The event loop does nothing else for so long. */
function holdUp(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

test('what had come while the event loop was busy is in time, and what had not is too late', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [[socket]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as unknown as [
    [Socket],
  ];
  // From here the event loop comes to its timers first, and only then to what it can read.
  await new Promise((resolve) => setImmediate(resolve));
  client.write('here');
  const here = inTime(once(socket, 'data'), 5);
  const nowhere = inTime(new Promise(() => undefined), 5).catch((error: unknown) => error);
  holdUp(20);
  expect(String(await here)).toBe('here');
  expect(await nowhere).toBeInstanceOf(TooLate);
  client.destroy();
  socket.destroy();
  server.close();
});
