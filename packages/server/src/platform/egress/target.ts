import { isIP } from 'node:net';
import { Problem, problems, validationFailed } from '../../kernel/problem.ts';

/** A URL that was set through the API, taken apart. */
export interface Target {
  url: URL;
  /** Lower case, in ASCII, without brackets or a final dot: what is judged, resolved, and named in TLS. */
  host: string;
  isAddress: boolean;
}

export const TARGET_MAX_LENGTH = 2_048;

/** Blanks and controls, which URL would pass over, and the backslash, which it takes for a slash. */
const DECEPTIVE = /[\s\p{Cc}\\]/u;
/** `[fe80::1%25eth0]`: a zone names an interface of this machine. URL does not parse it. */
const ZONE = /%[^\]/]*(?=\])/;

/**
 * URL understands every notation of an address (decimal, octal, hexadecimal, short forms, full-width digits, per cent
 * escapes) and leaves a name in punycode. What is judged is its result, and the same result is dialled: there is no second
 * parser to disagree.
 *
 * @param path where the URL stands in the request, for the error
 * @throws Problem `validation_failed` for what is no URL for http or https, or carries a user or a password;
 * `forbidden_target` for a scoped address
 */
export function parseTarget(text: string, path = '/url'): Target {
  const wrong = (message: string): Problem => validationFailed([{ path, message }]);
  if (text.length > TARGET_MAX_LENGTH) throw wrong(`must have at most ${TARGET_MAX_LENGTH} characters`);
  if (DECEPTIVE.test(text)) throw wrong('must hold no blank, control character or backslash');
  if (!URL.canParse(text)) {
    if (URL.canParse(text.replace(ZONE, ''))) throw forbiddenTarget('An address with a zone is of this machine alone.');
    throw wrong('must be a URL such as https://shop.example.com/hooks');
  }
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw wrong('must begin with https:// or http://');
  if (url.username !== '' || url.password !== '') throw wrong('must hold no user and no password');
  const host = url.hostname.replace(/^\[|\]$|\.+$/g, '');
  if (host === '') throw wrong('must name a host');
  return { url, host, isAddress: isIP(host) !== 0 };
}

export function forbiddenTarget(detail: string): Problem {
  return new Problem(problems.forbiddenTarget, `${detail} An operator can allow it by HOLDFAST_EGRESS_ALLOW.`);
}

/**
 * Names that the public DNS does not answer, or must not (RFC 6761, 6762, 8375, ICANN's .internal and the collisions that
 * it keeps back): whatever they lead to here is private. A name of one label is the machine's or the network's own.
 */
const PRIVATE_NAMES = /^[^.]*$|\.(?:localhost|localdomain|local|internal|intranet|private|corp|home|lan|home\.arpa)$/;

export function isPrivateName(host: string): boolean {
  return PRIVATE_NAMES.test(host);
}
