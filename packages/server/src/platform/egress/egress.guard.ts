import { isIPv6, type LookupFunction } from 'node:net';
import { Problem } from '../../kernel/problem.ts';
import { createAllowList, refusalOfAddress } from './address.rules.ts';
import type { Resolve } from './resolver.ts';
import { forbiddenTarget, isPrivateName, parseTarget, type Target } from './target.ts';

/** The one judge of whom the server may call on behalf of what was set through the API. */
export interface EgressGuard {
  /**
   * When a target is set. A name that does not resolve now is taken, unless it can only be private: it is judged again,
   * by its addresses, whenever it is dialled.
   *
   * @throws Problem `validation_failed`, `forbidden_target`
   */
  check(url: string, path?: string): Promise<void>;
  /**
   * Before each call: what its URL itself says. A socket does not ask for the addresses of an address.
   *
   * @throws Problem `validation_failed`, `forbidden_target`
   */
  parse(url: string, path?: string): Target;
  /** Resolves and judges for a socket: it can only connect to what this answers. */
  lookup: LookupFunction;
}

const CHECK_WITHIN_MS = 2_500;

export function createEgressGuard(options: { allow: readonly string[]; resolve: Resolve }): EgressGuard {
  const allow = createAllowList(options.allow);

  /**
   * One forbidden address among others refuses them all: no honest name leads to the Internet and to a private network at
   * once, and whoever makes one so wants the second to be dialled when the first does not answer.
   *
   * @throws Problem `forbidden_target`, and what the resolver throws
   */
  async function addressesOf(host: string): Promise<string[]> {
    const addresses = await options.resolve(host);
    if (allow.hasHost(host)) return addresses;
    const others = addresses.filter((address) => !allow.hasAddress(address));
    if (others.length > 0 && isPrivateName(host)) throw privateName(host);
    for (const address of others) refuseAddress(host, address);
    return addresses;
  }

  function parse(url: string, path?: string): Target {
    const target = parseTarget(url, path);
    const { host, isAddress } = target;
    if (isAddress && !allow.hasAddress(host)) refuseAddress(host, host);
    return target;
  }

  return {
    parse,
    check: async (url, path) => {
      const target = parse(url, path);
      if (target.isAddress || allow.hasHost(target.host)) return;
      const judged = await within(CHECK_WITHIN_MS, judge(addressesOf(target.host)));
      if (judged instanceof Problem) throw judged;
      if (judged !== 'good' && isPrivateName(target.host)) {
        throw privateName(target.host);
      }
    },
    lookup: (host, lookupOptions, callback) => {
      addressesOf(host).then(
        (addresses) => {
          const found = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
          const [first] = found;
          if (first === undefined) callback(noAddress(host), '', 4);
          else if (lookupOptions.all === true) callback(null, found);
          else callback(null, first.address, first.family);
        },
        (error: unknown) => callback(error as NodeJS.ErrnoException, '', 4),
      );
    },
  };
}

function refuseAddress(host: string, address: string): void {
  const refusal = refusalOfAddress(address);
  // Which address a name has inside is nobody's business outside.
  if (refusal !== null) throw forbiddenTarget(`${host} is, or leads to, an address that is not public (${refusal}).`);
}

function privateName(host: string): Problem {
  return forbiddenTarget(`${host} is a name of a private network.`);
}

/** `unknown`: it could not be resolved, here and now. */
async function judge(addresses: Promise<string[]>): Promise<'good' | 'unknown' | Problem> {
  try {
    return (await addresses).length > 0 ? 'good' : 'unknown';
  } catch (error) {
    return error instanceof Problem ? error : 'unknown';
  }
}

async function within<Value>(ms: number, work: Promise<Value>): Promise<Value | 'unknown'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'unknown'>((resolve) => (timer = setTimeout(() => resolve('unknown'), ms)));
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function noAddress(host: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${host} has no address`), { code: 'ENODATA' });
}
