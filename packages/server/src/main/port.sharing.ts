import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Whether each worker has a listening socket of its own (SO_REUSEPORT), among which the kernel divides connections
 * evenly. Elsewhere workers share one, and whoever is free first accepts.
 */
export const KERNEL_DIVIDES = process.platform === 'linux' && Number(process.versions.node.split('.')[0]) >= 24;

/**
 * Sees that nobody has the port, which processes that share ports would not notice of one another; and finds one where
 * any will do.
 *
 * @throws EADDRINUSE, EADDRNOTAVAIL, EACCES
 */
export async function claimPort({ host, port }: { host: string; port: number }): Promise<number> {
  const server = createServer().listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : port;
}
