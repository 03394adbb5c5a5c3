import { createHash } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { withoutPort } from '../../kernel/address.ts';
import { SUBJECT_MAX } from './rate-limit.schema.ts';

/** All of a global rule. */
export const EVERYBODY = '*';
/** Who sends the header not at all or with nothing in it, or has no address. */
export const NOBODY = '-';
/** Callers of a server that has no keys yet. */
export const OPEN_SERVER = 'open';

/** An IPv6 subscriber has 2^64 addresses or more, and would otherwise have as many limits. */
const IPV6_PREFIX_BITS = 64;

/** An address as it is counted: IPv4 by itself, also where it is written as IPv6; IPv6 by its /64. */
export function addressSubject(address: string): string {
  if (isIPv4(address)) return address;
  const bare = withoutPort(address).split('%')[0] ?? '';
  if (isIPv4(bare)) return bare;
  if (!isIPv6(bare)) return bounded(address);
  const parsed = ipaddr.IPv6.parse(bare);
  if (parsed.isIPv4MappedAddress()) return parsed.toIPv4Address().toString();
  const bytes = parsed.toByteArray();
  bytes.fill(0, IPV6_PREFIX_BITS / 8);
  return `${ipaddr.fromByteArray(bytes).toString()}/${IPV6_PREFIX_BITS}`;
}

export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
}

/** Longer texts by their digest: they would fill memory with what a caller likes. */
export function bounded(text: string): string {
  if (text === '') return NOBODY;
  if (text.length <= SUBJECT_MAX) return text;
  return `sha256:${createHash('sha256').update(text).digest('base64url')}`;
}

/** A subject that somebody names, as the rule counts it. */
export function normalSubject(kind: string, text: string): string {
  if (kind === 'global') return EVERYBODY;
  if (kind !== 'ip') return bounded(text);
  // As it is shown: 2001:db8::/64.
  const [address = '', bits] = text.split('/');
  return addressSubject(bits === String(IPV6_PREFIX_BITS) ? address : text);
}
