import { ApiClient } from './api.client.ts';
import { makeDatabase, type PostgresServer, type TestDatabase } from './database.ts';
import { type Holdfast, startHoldfast } from './holdfast.ts';

/** Servers over one database, as they run behind a load balancer. */
export interface Fleet {
  database: TestDatabase;
  servers: Holdfast[];
  apis: ApiClient[];
  /** The one at this place, counted round and round. */
  api(turn: number): ApiClient;
  close(): Promise<void>;
}

export interface FleetOptions {
  servers: number;
  /** Of each; on top of what all have. */
  env?: (index: number, database: TestDatabase) => Record<string, string>;
  connections?: number;
}

/** Makes a database and starts so many servers over it; the first one migrates. */
export async function startFleet(
  postgres: PostgresServer,
  { servers: count, env, connections = 64 }: FleetOptions,
): Promise<Fleet> {
  const database = await makeDatabase(postgres);
  const servers: Holdfast[] = [];
  const apis: ApiClient[] = [];
  const close = async (): Promise<void> => {
    for (const api of apis) api.close();
    await Promise.all(servers.map((server) => server.stop()));
    await database.drop();
  };
  try {
    for (let index = 0; index < count; index += 1) {
      const server = await startHoldfast({ DATABASE_URL: database.url, ...env?.(index, database) });
      servers.push(server);
      apis.push(new ApiClient(server.address, connections));
    }
  } catch (error) {
    await close();
    throw error;
  }
  const api = (turn: number): ApiClient => {
    const chosen = apis[turn % apis.length];
    if (chosen === undefined) throw new RangeError('a fleet needs a server');
    return chosen;
  };
  return { database, servers, apis, api, close };
}

/** So many calls by so many clients at once, each client one at a time. Calls are numbered from 0. */
export async function inParallel(
  calls: number,
  clients: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < calls) {
      const index = next;
      next += 1;
      await work(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(clients, calls) }, client));
}

/** How often each value came. */
export function tally(values: Iterable<string | number>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
