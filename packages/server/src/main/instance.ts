import { addressOf, createServer, type HoldfastServer, type ServerOptions } from './server.ts';
import { dashboardFolder } from './dashboard.folder.ts';
import { boundHeap } from './heap.ts';
import { openDatabase, reachable, takeServingRole } from './installation.ts';
import type { Config } from '../platform/config/index.ts';
import type { ConnectionConfig, Database } from '../platform/database/index.ts';
import type { Logger } from '../platform/log/index.ts';

/** A process that serves: it can listen, answering 503, before there is a database, and is let go of its own drain. */
export interface Instance {
  server: HoldfastServer;
  database: Database;
  /** Where it listens, such as http://127.0.0.1:8080 */
  listen(port?: number): Promise<string>;
  /** The database is up: waits until it lets us in. */
  connect(connection: ConnectionConfig): Promise<void>;
  /** Drains, within 5 s. */
  close(): Promise<void>;
}

export interface InstanceOptions extends Pick<ServerOptions, 'onMetrics' | 'renderMetrics' | 'duties'> {
  config: Config;
  log: Logger;
  poolMax?: number;
  /** Other processes listen on the same port: the kernel divides connections among them. */
  sharesPort?: boolean;
  /** Ends the wait for a database. */
  signal?: AbortSignal;
}

/** So long connections that are kept alive may bring another request, and learn that it is the last one. */
const LAME_DUCK_MS = 500;
/** Then whoever has not sent a whole request, or takes no answer, is cut. The engine answers everything within 4.3 s. */
const DRAIN_MS = 4_500;
const AFTER_CUT_MS = 400;

export async function createInstance(options: InstanceOptions): Promise<Instance> {
  boundHeap();
  const { config, log, poolMax, signal, sharesPort = false, ...metrics } = options;
  let connection: ConnectionConfig | null = null;
  const database = openDatabase({
    connection: () => {
      if (connection === null) throw new Error('the database is asked before it is known');
      return connection;
    },
    log,
    ...(poolMax === undefined ? {} : { poolMax }),
  });
  const server = await createServer({
    config,
    log,
    database,
    lameDuckMs: LAME_DUCK_MS,
    dashboard: dashboardFolder(),
    ...metrics,
  });
  return {
    server,
    database,
    listen: async (port = config.port) => {
      // Fastify does not know reusePort, and hands on to Node what it does not know.
      const where = { host: config.host, port, reusePort: sharesPort };
      await server.app.listen(where);
      const address = addressOf(server.app);
      if (address === null) throw new Error('it listens on no port');
      return address;
    },
    connect: async (known) => {
      connection = known;
      const wait = { log, waitMs: Infinity, ...(signal === undefined ? {} : { signal }) };
      await reachable(() => takeServingRole(database, log), wait);
    },
    close: () => drain(server, database, log),
  };
}

async function drain(server: HoldfastServer, database: Database, log: Logger): Promise<void> {
  const closing = server.close().then(() => 'drained' as const);
  if ((await within(closing, DRAIN_MS)) === 'late') {
    log.warn('some requests did not end in time; cutting their connections');
    server.app.server.closeAllConnections();
    database.cutSessions();
    await within(closing, AFTER_CUT_MS);
  }
  // Sessions that are still out would be waited for.
  const closed = database.close();
  if ((await within(closed, AFTER_CUT_MS)) === 'late') database.cutSessions();
  await within(closed, AFTER_CUT_MS);
}

async function within<Value>(work: Promise<Value>, ms: number): Promise<Value | 'late'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), ms)));
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
