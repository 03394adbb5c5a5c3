import { CHOSEN_KEY, type JwtConfig } from '../auth/index.ts';
import { HTTP_DEFAULTS, type HttpConfig } from '../http/http.options.ts';
import { LOG_LEVELS, type LogLevel } from '../log/index.ts';
import { optionName, SETTINGS, type Setting, type SettingName } from './settings.ts';
import {
  byteCount,
  egressTargets,
  fetchUrl,
  matching,
  oneOf,
  origins,
  redisUrl,
  Refusal,
  trustProxy,
  url,
  wholeNumber,
  type Parse,
} from './value.parsers.ts';

/** What the server was told, checked. */
export interface Config {
  host: string;
  port: number;
  /** Null: the embedded database. */
  databaseUrl: string | null;
  /** Null: as `databaseUrl`. */
  databaseMigrateUrl: string | null;
  /** As given; relative to the working directory. */
  dataDirectory: string;
  redisUrl: string | null;
  adminKey: string | null;
  jwt: JwtConfig | null;
  currency: string;
  reservationTtlSeconds: number;
  /** Lower-case host names, addresses and CIDR blocks. */
  eventRetentionHours: number;
  egressAllow: string[];
  /** Runs of jobs at once. */
  jobSlots: number;
  /** As given; relative to the working directory. Null: none. */
  jobTypesDirectory: string | null;
  /** Of a process that does nothing but jobs. Null: it listens on none. */
  workPort: number | null;
  logLevel: LogLevel;
  http: HttpConfig;
  /** All settings as they were given, for who looks. */
  settings: readonly EffectiveSetting[];
}

/** A setting as it counts, and who said so. */
export interface EffectiveSetting extends Setting {
  /** Null where it has none, and of a secret, which is never shown. */
  effective: string | null;
  source: 'flag' | 'environment' | 'default' | 'unset';
}

/** Every wrong setting, a line each. */
export class ConfigError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`The configuration is not valid:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

const PORT_MAX = 65_535;
const JOB_SLOTS_MAX = 256;
const BODY_LIMIT_MAX_BYTES = 104_857_600;
const BULK_FACTOR = 10;
/** What stands before the host of a URL: in one that should have none, it is a secret all the same. */
const USER_INFO = /\/\/[^/?#]*@/;
const THIRTY_DAYS_SECONDS = 2_592_000;

/**
 * A flag counts more than its environment variable; an empty value counts as none.
 *
 * @param flags by option name: `databaseUrl` for `--database-url`
 * @throws ConfigError
 */
export function loadConfig(env: NodeJS.Dict<string>, flags: NodeJS.Dict<string> = {}): Config {
  const reader = new Reader(env, flags);
  const bodyLimitBytes = reader.read('BODY_LIMIT', byteCount(1_024, BODY_LIMIT_MAX_BYTES));
  const config = {
    host: reader.read('HOST', matching(/^[a-z0-9.:_-]{1,253}$/i, 'must be an address or a host name')),
    port: reader.read('PORT', wholeNumber(0, PORT_MAX)),
    databaseUrl: reader.optional('DATABASE_URL', url('postgres:', 'postgresql:')),
    databaseMigrateUrl: reader.optional('DATABASE_MIGRATE_URL', url('postgres:', 'postgresql:')),
    dataDirectory: reader.read('HOLDFAST_DATA', matching(/^[^\0]+$/, 'must be a directory')),
    redisUrl: reader.optional('REDIS_URL', redisUrl),
    adminKey: reader.optional('HOLDFAST_ADMIN_KEY', matching(CHOSEN_KEY, 'must be 16 to 256 visible ASCII characters')),
    jwt: readJwt(reader),
    currency: reader.read('HOLDFAST_CURRENCY', matching(/^[A-Z]{3}$/, 'must be a currency code such as EUR')),
    reservationTtlSeconds: reader.read('HOLDFAST_RESERVATION_TTL', wholeNumber(1, THIRTY_DAYS_SECONDS)),
    eventRetentionHours: reader.read('HOLDFAST_EVENT_RETENTION', wholeNumber(1, 87_600)),
    egressAllow: reader.optional('HOLDFAST_EGRESS_ALLOW', egressTargets) ?? [],
    jobSlots: reader.read('HOLDFAST_JOB_SLOTS', wholeNumber(0, JOB_SLOTS_MAX)),
    jobTypesDirectory: reader.optional('HOLDFAST_JOB_TYPES', String),
    workPort: reader.optional('HOLDFAST_WORK_PORT', wholeNumber(0, PORT_MAX)),
    logLevel: reader.read('LOG_LEVEL', oneOf(LOG_LEVELS)),
    http: {
      ...HTTP_DEFAULTS,
      bodyLimitBytes,
      bulkBodyLimitBytes: bodyLimitBytes * BULK_FACTOR,
      corsOrigins: reader.optional('CORS_ORIGIN', origins) ?? [],
      trustProxy: reader.optional('TRUST_PROXY', trustProxy) ?? false,
    },
    settings: SETTINGS.map((setting) => reader.describe(setting)),
  };
  if (config.databaseMigrateUrl !== null && config.databaseUrl === null) {
    reader.fault('DATABASE_MIGRATE_URL', 'needs DATABASE_URL: the embedded database migrates itself');
  }
  if (reader.faults.length > 0) throw new ConfigError(reader.faults);
  return config;
}

function readJwt(reader: Reader): JwtConfig | null {
  const jwksUrl = reader.optional('HOLDFAST_JWKS_URL', fetchUrl);
  const secret = reader.optional('HOLDFAST_JWT_SECRET', longSecret);
  const issuer = reader.optional('HOLDFAST_JWT_ISSUER', String);
  const audience = reader.optional('HOLDFAST_JWT_AUDIENCE', String);
  if (reader.given('HOLDFAST_JWKS_URL') && reader.given('HOLDFAST_JWT_SECRET')) {
    reader.fault('HOLDFAST_JWT_SECRET', 'cannot be given together with HOLDFAST_JWKS_URL');
  }
  const wanted = (['HOLDFAST_JWKS_URL', 'HOLDFAST_JWT_SECRET'] as const).find((name) => reader.given(name));
  for (const name of ['HOLDFAST_JWT_ISSUER', 'HOLDFAST_JWT_AUDIENCE'] as const) {
    if (wanted !== undefined && !reader.given(name)) reader.fault(name, `must be given with ${wanted}`);
    if (wanted === undefined && reader.given(name)) {
      reader.fault(name, 'needs HOLDFAST_JWKS_URL or HOLDFAST_JWT_SECRET');
    }
  }
  if (issuer === null || audience === null) return null;
  if (jwksUrl !== null) return { keys: { jwksUrl }, issuer, audience };
  return secret === null ? null : { keys: { secret }, issuer, audience };
}

const longSecret: Parse<string> = (text) => {
  if (Buffer.byteLength(text) >= 32) return text;
  throw new Refusal('must have 32 bytes or more');
};

/** Reads settings one by one and keeps what is wrong with them. */
class Reader {
  readonly faults: string[] = [];
  readonly #env: NodeJS.Dict<string>;
  readonly #flags: NodeJS.Dict<string>;

  constructor(env: NodeJS.Dict<string>, flags: NodeJS.Dict<string>) {
    this.#env = env;
    this.#flags = flags;
  }

  given(name: SettingName): boolean {
    return this.#textOf(name) !== null;
  }

  /** A setting with a default. What it answers for a wrong value is of no use: a fault was noted. */
  read<Value>(name: SettingName, parse: Parse<Value>): Value {
    const byDefault = SETTINGS.find((setting) => setting.name === name)?.default ?? '';
    return this.optional(name, parse) ?? parse(byDefault);
  }

  optional<Value>(name: SettingName, parse: Parse<Value>): Value | null {
    const text = this.#textOf(name);
    if (text === null) return null;
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.fault(name, error.message);
      return null;
    }
  }

  describe(setting: Setting & { name: SettingName }): EffectiveSetting {
    const given = this.#textOf(setting.name);
    const effective = setting.secret === true ? null : (given ?? setting.default);
    if (given === null) return { ...setting, effective, source: setting.default === null ? 'unset' : 'default' };
    return { ...setting, effective, source: this.#flagOf(setting.name) === undefined ? 'environment' : 'flag' };
  }

  fault(name: SettingName, message: string): void {
    const setting = SETTINGS.find((one) => one.name === name);
    const text = this.#textOf(name);
    const shown =
      text === null || setting?.secret === true ? '' : `; it is ${JSON.stringify(text.replace(USER_INFO, '//…@'))}`;
    this.faults.push(`${name} (--${setting?.flag ?? ''}) ${message}${shown}`);
  }

  #textOf(name: SettingName): string | null {
    const text = (this.#flagOf(name) ?? this.#env[name] ?? '').trim();
    return text === '' ? null : text;
  }

  #flagOf(name: SettingName): string | undefined {
    return this.#flags[optionName(SETTINGS.find((setting) => setting.name === name)?.flag ?? '')];
  }
}
