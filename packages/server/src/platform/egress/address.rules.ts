import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/**
 * Public by its block and yet inside: Azure answers every machine's agent there (168.63.129.16). The metadata services of
 * other clouds are link-local (169.254.169.254), unique local (fd00:ec2::254), shared (100.100.100.200) or reserved
 * (192.0.0.192), and refused as such.
 */
const METADATA_SERVICES: ReadonlySet<string> = new Set(['168.63.129.16']);

/** All of the global unicast space that was ever given out (RFC 4291, IANA): what is outside of it is nobody's. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');
/** An IPv4 address as an IPv6-only network reaches it (RFC 6052): an honest name resolves to one behind DNS64. */
const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');

/**
 * Why no call may be made to an address, as a word such as `loopback`; null for one of the public Internet. Everything is
 * refused that is not known to be public: special blocks of IANA's registries, and what merely embeds an IPv4 address
 * (6to4, Teredo, IPv4-compatible), which could lead a packet elsewhere than it seems.
 *
 * @param text an address as resolvers and URL write it: decimal IPv4, or IPv6
 */
export function refusalOfAddress(text: string): string | null {
  const address = parseAddress(text);
  if (address === null) return 'no address';
  if (address.kind() === 'ipv4') return refusalOfIpv4(address as ipaddr.IPv4);
  const ipv6 = address as ipaddr.IPv6;
  if (text.includes('%')) return 'scoped';
  if (ipv6.match(NAT64)) return refusalOfIpv4(new ipaddr.IPv4(ipv6.toByteArray().slice(12)));
  const range = ipv6.range();
  if (range !== 'unicast') return range;
  return ipv6.match(GLOBAL_UNICAST) ? null : 'reserved';
}

function refusalOfIpv4(address: ipaddr.IPv4): string | null {
  if (METADATA_SERVICES.has(address.toString())) return 'metadata service';
  const range = address.range();
  return range === 'unicast' ? null : range;
}

/** An IPv4-mapped address is the IPv4 address: that is what a socket connects to. Null for what is none. */
function parseAddress(text: string): Address | null {
  return isIP(text) === 0 ? null : ipaddr.process(text);
}

/** The targets that an operator lets calls reach although they are private. */
export interface AllowList {
  isEmpty: boolean;
  hasHost(host: string): boolean;
  hasAddress(address: string): boolean;
}

/** @param entries host names (`*.` for all below one), addresses and CIDR blocks, as platform/config checked them */
export function createAllowList(entries: readonly string[]): AllowList {
  const hosts = new Set<string>();
  const parents: string[] = [];
  const blocks: [Address, number][] = [];
  for (const entry of entries) {
    const block = parseBlock(entry);
    if (block !== null) blocks.push(block);
    else if (entry.startsWith('*.')) parents.push(entry.slice(1));
    else hosts.add(entry);
  }
  return {
    isEmpty: entries.length === 0,
    hasHost: (host) => hosts.has(host) || parents.some((parent) => host.endsWith(parent)),
    hasAddress: (text) => {
      const address = parseAddress(text);
      return address !== null && blocks.some(([base, bits]) => isWithin(address, base, bits));
    },
  };
}

function parseBlock(entry: string): [Address, number] | null {
  const address = parseAddress(entry);
  if (address !== null) return [address, address.kind() === 'ipv4' ? 32 : 128];
  return ipaddr.isValidCIDR(entry) ? ipaddr.parseCIDR(entry) : null;
}

function isWithin(address: Address, base: Address, bits: number): boolean {
  return address.kind() === base.kind() && address.match(base, bits);
}
