import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type pg from 'pg';

/** A server that runs out of disk once a COMMIT is durable says so as PANIC, with the code of what it met, and is gone. */
const PANIC = errorResponse({
  S: 'PANIC',
  V: 'PANIC',
  C: '53100',
  M: 'could not write to file "pg_wal/xlogtemp.17": No space left on device',
});

/** A door to PostgreSQL that can be held in either direction, and cut. */
export class Door {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  readonly #letGo = new Set<() => void>();
  /** What the client sends from the next COMMIT on is kept. */
  holdsCommits = false;
  /** What the client sends from now on is kept. */
  holdsAll = false;
  /** Nothing of what the server says is passed on. */
  isAnswering = true;
  /** So many of the COMMITs to come are done, and answered with a panic. */
  panics = 0;
  /** What the client sent, as it came. */
  sent = '';

  constructor(upstream: pg.ClientConfig) {
    this.#server = createServer((client) => {
      const server = connect(`${upstream.host}/.s.PGSQL.${upstream.port}`);
      for (const socket of [client, server]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => this.#sockets.delete(socket));
      }
      client.on('close', () => server.end());
      server.on('close', () => client.destroy());
      const held: Buffer[] = [];
      this.#letGo.add(() => held.splice(0).forEach((bytes) => server.write(bytes)));
      client.on('data', (bytes: Buffer) => {
        this.sent += bytes.toString('latin1');
        const isHeld = held.length > 0 || this.holdsAll || (this.holdsCommits && bytes.includes('COMMIT\0'));
        if (isHeld) held.push(bytes);
        else server.write(bytes);
      });
      server.on('data', (bytes: Buffer) => {
        const tag = bytes.indexOf('COMMIT\0');
        if (this.panics > 0 && tag >= 0) {
          this.panics -= 1;
          // CommandComplete: its type and length come before the tag.
          client.end(Buffer.concat([bytes.subarray(0, tag - 5), PANIC]), () => server.destroy());
        } else if (this.isAnswering && !client.writableEnded) client.write(bytes);
      });
    });
  }

  async open(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  letGo(): void {
    this.holdsCommits = this.holdsAll = false;
    for (const letGo of this.#letGo) letGo();
  }

  /** Whoever comes from here on passes. */
  cut(): void {
    this.#letGo.clear();
    this.holdsCommits = this.holdsAll = false;
    this.isAnswering = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}

/** https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-ERRORRESPONSE */
function errorResponse(fields: Record<string, string>): Buffer {
  const body = Object.entries(fields).map(([type, value]) => `${type}${value}\0`);
  const bytes = Buffer.from(`E    ${body.join('')}\0`);
  bytes.writeInt32BE(bytes.length - 1, 1);
  return bytes;
}
