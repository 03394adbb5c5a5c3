/** One setting: an environment variable, which is a flag of `holdfast serve` too. */
export interface Setting {
  /** The environment variable. */
  name: string;
  /** Without the dashes. */
  flag: string;
  /** What the value looks like, for --help. */
  value: string;
  /** As --help shows it; null where absence means something of its own. */
  default: string | null;
  description: string;
  /** Never shown again, not even in an error. */
  secret?: boolean;
}

/** All of them. `--help` and the configuration guide are made from this table. */
export const SETTINGS = [
  setting('HOST', 'host', 'address', '127.0.0.1', 'Address to listen on. Others than loopback need a first API key.'),
  setting('PORT', 'port', 'number', '8080', 'Port to listen on; 0 takes a free one.'),
  setting(
    'DATABASE_URL',
    'database-url',
    'url',
    null,
    'PostgreSQL 15 or later. Absent: one is started and kept in the data directory.',
    true,
  ),
  setting(
    'DATABASE_MIGRATE_URL',
    'database-migrate-url',
    'url',
    null,
    'As the owner of the schema, who migrates. Absent: DATABASE_URL.',
    true,
  ),
  setting('HOLDFAST_DATA', 'data', 'directory', './holdfast-data', 'The data directory.'),
  setting(
    'REDIS_URL',
    'redis-url',
    'url',
    null,
    'Redis or Valkey, for what instances share: hints, answers, rate limits. Optional.',
    true,
  ),
  setting(
    'HOLDFAST_ADMIN_KEY',
    'admin-key',
    'key',
    null,
    'A first API key with the scope admin, 16 to 256 visible ASCII characters.',
    true,
  ),
  setting(
    'HOLDFAST_JWKS_URL',
    'jwks-url',
    'url',
    null,
    'Where your identity provider publishes its keys; tokens need issuer and audience.',
  ),
  setting(
    'HOLDFAST_JWT_SECRET',
    'jwt-secret',
    'text',
    null,
    'Instead of it: the secret that signs tokens (HS256), 32 bytes or more.',
    true,
  ),
  setting('HOLDFAST_JWT_ISSUER', 'jwt-issuer', 'text', null, 'The issuer that tokens must name.'),
  setting('HOLDFAST_JWT_AUDIENCE', 'jwt-audience', 'text', null, 'The audience that tokens must name.'),
  setting('HOLDFAST_CURRENCY', 'currency', 'code', 'EUR', 'The one currency of unit costs (ISO 4217).'),
  setting(
    'HOLDFAST_RESERVATION_TTL',
    'reservation-ttl',
    'seconds',
    '900',
    'How long a hold lasts where its request does not say.',
  ),
  setting(
    'HOLDFAST_EVENT_RETENTION',
    'event-retention',
    'hours',
    '168',
    'How long events can be read again from the stream. The ledger is kept for ever.',
  ),
  setting(
    'HOLDFAST_EGRESS_ALLOW',
    'egress-allow',
    'list',
    null,
    'Private targets that webhooks and jobs may reach: host names, addresses and CIDR blocks, by comma.',
  ),
  setting(
    'HOLDFAST_JOB_SLOTS',
    'job-slots',
    'number',
    '10',
    'Runs of jobs at once in this process; 0 leaves them to `holdfast work`.',
  ),
  setting(
    'HOLDFAST_JOB_TYPES',
    'job-types',
    'directory',
    null,
    'Where types of jobs of your own are, a file each. Their code is run.',
  ),
  setting(
    'HOLDFAST_WORK_PORT',
    'work-port',
    'number',
    null,
    'Port on which `holdfast work` answers health checks and metrics; 0 takes a free one. Absent: none.',
  ),
  setting('LOG_LEVEL', 'log-level', 'level', 'info', 'fatal, error, warn, info, debug, trace or silent.'),
  setting('CORS_ORIGIN', 'cors-origin', 'list', null, 'Origins whose pages may call the API, by comma, or *.'),
  setting(
    'TRUST_PROXY',
    'trust-proxy',
    'who',
    null,
    'Whose X-Forwarded-* to believe: true, a number of hops, or addresses and CIDR blocks.',
  ),
  setting(
    'BODY_LIMIT',
    'body-limit',
    'bytes',
    '1MiB',
    'The largest request body, such as 1048576 or 1MiB. Bulk routes take ten times as much.',
  ),
] as const;

export type SettingName = (typeof SETTINGS)[number]['name'];

function setting<const Name extends string>(
  name: Name,
  flag: string,
  value: string,
  byDefault: string | null,
  description: string,
  secret = false,
): Setting & { name: Name } {
  return { name, flag, value, default: byDefault, description, secret };
}

/** The flag as option parsers name it: `database-url` is `databaseUrl`. */
export function optionName(flag: string): string {
  return flag.replaceAll(/-([a-z])/g, (_dash, letter: string) => letter.toUpperCase());
}
