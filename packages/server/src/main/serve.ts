import { ensureAdminKey } from '../modules/api-keys/index.ts';
import { openModeRefusal } from '../platform/auth/index.ts';
import type { Config } from '../platform/config/index.ts';
import { createLogger } from '../platform/log/index.ts';
import { openInstallation } from './installation.ts';
import { createServer } from './server.ts';

/** A server that listens. */
export interface Served {
  /** Where it is, such as http://127.0.0.1:8080 */
  address: string;
  /** Drains, then stops everything that was started. */
  close(): Promise<void>;
}

/** The configuration asks for what would not be safe. */
export class RefusedToServe extends Error {}

/** Opens the database, migrates, and serves. */
export async function serve(config: Config): Promise<Served> {
  const log = createLogger(config.logLevel);
  const installation = await openInstallation({ config, log, mode: 'own' });
  try {
    const { database } = installation;
    if (config.adminKey !== null) await ensureAdminKey(database, config.adminKey);
    const server = await createServer({ config, log, database });
    const refusal = openModeRefusal(config.host);
    if (refusal !== null && (await server.authenticator.isOpen())) throw new RefusedToServe(refusal);
    await server.app.listen({ host: config.host, port: config.port });
    server.markReady();
    const bound = server.app.addresses()[0];
    const host = bound?.family === 'IPv6' ? `[${bound.address}]` : (bound?.address ?? config.host);
    return {
      address: `http://${host}:${bound?.port ?? config.port}`,
      close: async () => {
        await server.close();
        await installation.close();
      },
    };
  } catch (error) {
    await installation.close();
    throw error;
  }
}
