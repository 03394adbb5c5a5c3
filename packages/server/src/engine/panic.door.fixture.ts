import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type pg from 'pg';

/** A server that runs out of disk once a COMMIT is durable says so as PANIC, with the code of what it met, and is gone. */
const PANIC = errorResponse({
  S: 'PANIC',
  V: 'PANIC',
  C: '53100',
  M: 'could not write to file "pg_wal/xlogtemp.17": No space left on device',
});

/** A door to PostgreSQL that tells of a panic where the server said that it committed, and is shut then. */
export class PanicDoor {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** So many of the COMMITs to come are answered so. */
  panics = 0;

  constructor(upstream: pg.ClientConfig) {
    this.#server = createServer((client) => {
      const server = connect(`${upstream.host}/.s.PGSQL.${upstream.port}`);
      for (const socket of [client, server]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
      }
      client.on('close', () => server.destroy());
      server.on('close', () => client.end());
      client.on('data', (bytes) => server.write(bytes));
      server.on('data', (bytes: Buffer) => {
        // CommandComplete: its type and length come before the tag.
        const tag = bytes.indexOf('COMMIT\0');
        if (this.panics === 0 || tag < 0) return client.write(bytes);
        this.panics -= 1;
        client.end(Buffer.concat([bytes.subarray(0, tag - 5), PANIC]));
        server.removeAllListeners('data').destroy();
        return true;
      });
    });
  }

  async open(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

/** https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-ERRORRESPONSE */
function errorResponse(fields: Record<string, string>): Buffer {
  const body = Object.entries(fields).map(([type, value]) => `${type}${value}\0`);
  const bytes = Buffer.from(`E    ${body.join('')}\0`);
  bytes.writeInt32BE(bytes.length - 1, 1);
  return bytes;
}
