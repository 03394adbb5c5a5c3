import { isIP } from 'node:net';

/** Reads a setting's text, or throws what it must be: "must be …". */
export type Parse<Value> = (text: string) => Value;

export class Refusal extends Error {}

export function wholeNumber(minimum: number, maximum: number): Parse<number> {
  return (text) => {
    const value = /^(?:0|[1-9]\d{0,14})$/.test(text) ? Number(text) : Number.NaN;
    if (value >= minimum && value <= maximum) return value;
    throw new Refusal(`must be a whole number from ${minimum} to ${maximum}`);
  };
}

export function matching(pattern: RegExp, mustBe: string): Parse<string> {
  return (text) => {
    if (pattern.test(text)) return text;
    throw new Refusal(mustBe);
  };
}

export function oneOf<const Words extends readonly string[]>(words: Words): Parse<Words[number]> {
  return (text) => {
    if ((words as readonly string[]).includes(text)) return text;
    throw new Refusal(`must be one of ${words.join(', ')}`);
  };
}

/** `postgresql://app@/shop?host=/run/postgresql`: libpq's form for a socket, which has no host for URL to see. */
const EMPTY_HOST = /^(postgres(?:ql)?:\/\/(?:[^/?#@]*@)?)\//;

export function url(...protocols: string[]): Parse<string> {
  return (text) => {
    const whole = text.replace(EMPTY_HOST, '$1localhost/');
    if (URL.canParse(whole) && protocols.includes(new URL(whole).protocol)) return text;
    throw new Refusal(`must be a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`);
  };
}

/** What `fetch` takes: user and password would have every fetch fail. */
export const fetchUrl: Parse<string> = (text) => {
  const { username, password } = new URL(url('https:', 'http:')(text));
  if (username === '' && password === '') return text;
  throw new Refusal('must have no user and no password in it');
};

const REDIS_DATABASE = /^\/?(?:0|[1-9]\d{0,8})?$/;

/** `redis://user:password@host:6379/0`. What its client cannot read would end the process, some of it only once it serves. */
export const redisUrl: Parse<string> = (text) => {
  const { username, password, pathname } = new URL(url('redis:', 'rediss:')(text));
  if (!isDecodable(username) || !isDecodable(password)) {
    throw new Refusal('must have its password percent-encoded: a % is %25');
  }
  if (!REDIS_DATABASE.test(pathname))
    throw new Refusal('must end with the number of a database, such as /0, or with none');
  return text;
};

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

const UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, KIB: 1_024, MIB: 1_048_576 };

export function byteCount(minimum: number, maximum: number): Parse<number> {
  return (text) => {
    const [, digits = '', unit = ''] = /^([1-9]\d{0,14})\s?(|B|KiB|MiB)$/i.exec(text) ?? [];
    const bytes = digits === '' ? Number.NaN : Number(digits) * (UNITS[unit.toUpperCase()] ?? Number.NaN);
    if (bytes >= minimum && bytes <= maximum) return bytes;
    throw new Refusal(`must be ${minimum} to ${maximum} bytes, such as 1048576, 512KiB or 1MiB`);
  };
}

function list<Value>(item: Parse<Value>): Parse<Value[]> {
  return (text) => text.split(',').map((part) => item(part.trim()));
}

/** Origins as browsers send them, or `*`. */
export const origins: Parse<string[]> = list((text) => {
  if (text === '*' || (URL.canParse(text) && new URL(text).origin === text)) return text;
  throw new Refusal('must be origins such as https://shop.example.com, by comma, or *');
});

const HOST_NAME =
  /^(?=.{1,253}$)(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/i;

/** Host names, addresses and CIDR blocks. */
export const egressTargets: Parse<string[]> = list((text) => {
  if (isAddressOrBlock(text) || (HOST_NAME.test(text) && !/^[\d.]+$/.test(text))) return text.toLowerCase();
  throw new Refusal('must be host names, addresses and CIDR blocks, by comma');
});

/** What Fastify's trustProxy takes, of which a number is hops. */
export const trustProxy: Parse<boolean | number | string[]> = (text) => {
  if (text === 'true' || text === 'false') return text === 'true';
  if (/^[1-9]\d?$/.test(text)) return Number(text);
  return list((part) => {
    if (isAddressOrBlock(part) || ['loopback', 'linklocal', 'uniquelocal'].includes(part)) return part;
    throw new Refusal('must be true, false, a number of hops, or addresses and CIDR blocks, by comma');
  })(text);
};

function isAddressOrBlock(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return bits === undefined || (/^(?:0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}
