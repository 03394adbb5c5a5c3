import { connect, createServer, type AddressInfo, type NetConnectOpts, type Server, type Socket } from 'node:net';
import { CommitDetector, WireReader } from './wire.ts';

/** What happens to a COMMIT and its connection. */
export type Cut =
  /** It never reaches PostgreSQL, and the connection breaks. */
  | 'before'
  /** It reaches PostgreSQL, and the connection breaks at once: who knows what becomes of it. */
  | 'after'
  /** PostgreSQL answers it, and the answer is lost with the connection. */
  | 'answered'
  /** It never reaches PostgreSQL, and the connection stays open and silent. */
  | 'silent before'
  /** It reaches PostgreSQL, whose answer never comes, on a connection that stays open. */
  | 'silent after';

export const CUTS: readonly Cut[] = ['before', 'after', 'answered', 'silent before', 'silent after'];

export interface ProxyOptions {
  /** Where PostgreSQL is: a TCP address or a Unix socket. */
  upstream: NetConnectOpts;
  /** Asked at each COMMIT; null lets it pass. */
  onCommit: () => Cut | null;
}

/** A silent connection is closed after so long: by then a server must have given up on it. */
const SILENT_FOR_MS = 8_000;

/** A TCP proxy before PostgreSQL that cuts connections at COMMIT. */
export class CommitProxy {
  readonly #options: ProxyOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #awayUntilMs = 0;
  /** COMMITs that were seen. */
  commits = 0;

  constructor(options: ProxyOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  /** New connections break at once, for so long. */
  stayAway(forMs: number): void {
    this.#awayUntilMs = performance.now() + forMs;
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(client: Socket): void {
    if (performance.now() < this.#awayUntilMs) {
      client.destroy();
      return;
    }
    const upstream = connect(this.#options.upstream);
    const destroy = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        destroy();
      });
      socket.on('error', destroy);
    }
    this.#relay(client, upstream, destroy);
  }

  #relay(client: Socket, upstream: Socket, destroy: () => void): void {
    const reader = new WireReader();
    const detector = new CommitDetector();
    let cut: Cut | null = null;
    client.on('data', (bytes: Buffer) => {
      for (const message of reader.read(bytes)) {
        if (cut === null && detector.isCommit(message)) {
          this.commits += 1;
          cut = this.#options.onCommit();
          if (cut === 'before') return destroy();
          if (cut === 'silent before') this.#later(SILENT_FOR_MS, destroy);
        }
        // What follows COMMIT, such as the Sync that makes an Execute count, goes with it.
        if (cut !== 'silent before') upstream.write(message.bytes);
      }
      if (cut === 'silent after') this.#later(SILENT_FOR_MS, destroy);
      // Bytes on their way are still delivered: end() sends them before it closes.
      if (cut === 'after') {
        upstream.end();
        client.destroy();
      }
    });
    upstream.on('data', (bytes: Buffer) => {
      if (cut === null) client.write(bytes);
      if (cut === 'answered' && announcesCommit(bytes)) destroy();
    });
  }

  #later(afterMs: number, work: () => void): void {
    const timer = setTimeout(work, afterMs);
    this.#timers.add(timer);
  }
}

/** Whether these bytes of the server end with its word that it committed (CommandComplete). */
function announcesCommit(bytes: Buffer): boolean {
  return bytes.includes('COMMIT\0') || bytes.includes('ROLLBACK\0');
}
