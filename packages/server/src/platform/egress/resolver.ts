import { lookup, Resolver } from 'node:dns/promises';

/** All addresses of a name, IPv4 first. Rejects where it has none. */
export type Resolve = (host: string) => Promise<string[]>;

const QUERY_TIMEOUT_MS = 1_500;
const QUERY_TRIES = 2;

export interface ResolverOptions {
  /** What the nameservers do not know may be known to the machine. */
  asksMachine: boolean;
  /** Nameservers in place of the machine's own; for tests. */
  servers?: readonly string[];
}

/**
 * Asks the nameservers over sockets of our own. `getaddrinfo` would hold one of the few threads that all file and name
 * work shares for as long as a nameserver hangs, and whoever may set a target may own a nameserver. Only where an operator
 * allowed private targets, which may stand in the hosts file or below a search domain, the machine's own look-up is asked
 * second.
 */
export function createResolver({ asksMachine, servers }: ResolverOptions): Resolve {
  return async (host) => {
    try {
      return await askNameservers(host, servers);
    } catch (error) {
      if (!asksMachine) throw error;
      const found = await lookup(host, { all: true, order: 'ipv4first' });
      return found.map(({ address }) => address);
    }
  };
}

async function askNameservers(host: string, servers: readonly string[] | undefined): Promise<string[]> {
  // One of its own: it reads which nameservers there are now.
  const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: QUERY_TRIES });
  if (servers !== undefined) resolver.setServers(servers);
  const [ipv4, ipv6] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  const found = [ipv4, ipv6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (found.length > 0) return found;
  throw ipv4.status === 'rejected' ? ipv4.reason : new Error(`${host} has no address`);
}
