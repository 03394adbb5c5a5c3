import { expect, test } from 'vitest';
import { ConfigError, loadConfig, optionName, SETTINGS } from './index.ts';

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

test('nothing given: the defaults that the table shows', () => {
  const config = loadConfig({});
  expect(config).toMatchObject({
    host: '127.0.0.1',
    port: 8080,
    databaseUrl: null,
    dataDirectory: './holdfast-data',
    adminKey: null,
    jwt: null,
    currency: 'EUR',
    reservationTtlSeconds: 900,
    egressAllow: [],
    workPort: null,
    logLevel: 'info',
  });
  expect(config.http).toMatchObject({
    bodyLimitBytes: 1_048_576,
    bulkBodyLimitBytes: 10_485_760,
    corsOrigins: [],
    trustProxy: false,
  });
});

test('a flag counts more than its variable, and an empty value counts as none', () => {
  const config = loadConfig(
    { PORT: '1', HOST: '', HOLDFAST_CURRENCY: 'USD' },
    { port: '2', databaseUrl: 'postgres://h/d' },
  );
  expect(config).toMatchObject({ port: 2, host: '127.0.0.1', currency: 'USD', databaseUrl: 'postgres://h/d' });
});

test('every wrong value is listed at once, and no secret is repeated', () => {
  const faults = faultsOf({
    PORT: '80a',
    LOG_LEVEL: 'loud',
    HOLDFAST_RESERVATION_TTL: '0',
    HOLDFAST_ADMIN_KEY: 'short',
    DATABASE_URL: 'mysql://u:hush@h/d',
    BODY_LIMIT: '1e6',
  });
  expect(faults).toEqual([
    'BODY_LIMIT (--body-limit) must be 1024 to 104857600 bytes, such as 1048576, 512KiB or 1MiB; it is "1e6"',
    'PORT (--port) must be a whole number from 0 to 65535; it is "80a"',
    'DATABASE_URL (--database-url) must be a URL that begins with postgres:// or postgresql://',
    'HOLDFAST_ADMIN_KEY (--admin-key) must be 16 to 256 visible ASCII characters',
    'HOLDFAST_RESERVATION_TTL (--reservation-ttl) must be a whole number from 1 to 2592000; it is "0"',
    'LOG_LEVEL (--log-level) must be one of fatal, error, warn, info, debug, trace, silent; it is "loud"',
  ]);
});

test.each(['65536', '-1', '1.0', ' 0x50', '1e3', '08080', 'NaN'])('PORT %j is refused', (PORT) => {
  expect(faultsOf({ PORT })).toHaveLength(1);
});

test.each(['redis://h', 'redis://h/', 'redis://user:p%40%25@h:6379/15', 'rediss://:p@[::1]:6380/0?family=6'])(
  'REDIS_URL %j is taken as it is',
  (REDIS_URL) => {
    expect(loadConfig({ REDIS_URL }).redisUrl).toBe(REDIS_URL);
  },
);

test('an address of keys has no password in it, and it is not repeated', () => {
  const [fault] = faultsOf({
    HOLDFAST_JWKS_URL: 'https://me:hush@id.example/jwks',
    HOLDFAST_JWT_ISSUER: 'i',
    HOLDFAST_JWT_AUDIENCE: 'a',
  });
  expect(fault).toBe(
    'HOLDFAST_JWKS_URL (--jwks-url) must have no user and no password in it; it is "https://…@id.example/jwks"',
  );
});

test('tokens need keys, an issuer and an audience, and keys come from one place', () => {
  const secret = 's'.repeat(32);
  expect(faultsOf({ HOLDFAST_JWT_SECRET: secret })).toHaveLength(2);
  expect(faultsOf({ HOLDFAST_JWT_ISSUER: 'i' })).toHaveLength(1);
  expect(faultsOf({ HOLDFAST_JWT_SECRET: 'short', HOLDFAST_JWT_ISSUER: 'i', HOLDFAST_JWT_AUDIENCE: 'a' })).toEqual([
    'HOLDFAST_JWT_SECRET (--jwt-secret) must have 32 bytes or more',
  ]);
  const both = { HOLDFAST_JWT_SECRET: secret, HOLDFAST_JWKS_URL: 'https://id.example/jwks' };
  expect(faultsOf({ ...both, HOLDFAST_JWT_ISSUER: 'i', HOLDFAST_JWT_AUDIENCE: 'a' })).toHaveLength(1);
  const { jwt } = loadConfig({ HOLDFAST_JWT_SECRET: secret, HOLDFAST_JWT_ISSUER: 'i', HOLDFAST_JWT_AUDIENCE: 'a' });
  expect(jwt).toEqual({ keys: { secret }, issuer: 'i', audience: 'a' });
});

test.each([
  ['true', true],
  ['2', 2],
  ['10.0.0.0/8, ::1', ['10.0.0.0/8', '::1']],
  ['loopback', ['loopback']],
])('TRUST_PROXY %j', (TRUST_PROXY, trusted) => {
  expect(loadConfig({ TRUST_PROXY }).http.trustProxy).toEqual(trusted);
});

test.each([
  { TRUST_PROXY: 'yes' },
  { TRUST_PROXY: '10.0.0.0/33' },
  { TRUST_PROXY: '0' },
  { CORS_ORIGIN: 'shop.example.com' },
  { CORS_ORIGIN: 'https://shop.example.com/' },
  { HOLDFAST_EGRESS_ALLOW: '10.0.0.256' },
  { HOLDFAST_EGRESS_ALLOW: 'a b' },
  { HOLDFAST_CURRENCY: 'eur' },
  { HOLDFAST_WORK_PORT: '65536' },
  { HOST: '0.0.0.0 ; rm' },
  { DATABASE_MIGRATE_URL: 'postgres://h/d' },
  { REDIS_URL: 'http://h' },
  { REDIS_URL: 'redis://:100%zz@h' },
  { REDIS_URL: 'redis://100%:p@h' },
  { REDIS_URL: 'redis://h/cache' },
  { REDIS_URL: 'redis://h/0/1' },
])('%j is refused', (env) => {
  expect(faultsOf(env as Record<string, string>)).toHaveLength(1);
});

test('lists and sizes', () => {
  const config = loadConfig({
    BODY_LIMIT: '2MiB',
    CORS_ORIGIN: 'https://a.example, http://localhost:3000',
    HOLDFAST_EGRESS_ALLOW: 'Hooks.internal, 10.1.0.0/16,::1',
  });
  expect(config.http).toMatchObject({
    bodyLimitBytes: 2_097_152,
    bulkBodyLimitBytes: 20_971_520,
    corsOrigins: ['https://a.example', 'http://localhost:3000'],
  });
  expect(config.egressAllow).toEqual(['hooks.internal', '10.1.0.0/16', '::1']);
});

test('each setting says what counts and who said so, and a secret only that it is there', () => {
  const { settings } = loadConfig(
    { HOLDFAST_CURRENCY: 'USD', HOLDFAST_ADMIN_KEY: 'a-key-that-nobody-sees', LOG_LEVEL: '' },
    { port: '9090', databaseUrl: 'postgres://u:hush@h/d' },
  );
  const told = (name: string) => {
    const { effective, source } = settings.find((setting) => setting.name === name) ?? {};
    return [effective, source];
  };
  expect(told('HOLDFAST_CURRENCY')).toEqual(['USD', 'environment']);
  expect(told('PORT')).toEqual(['9090', 'flag']);
  expect(told('LOG_LEVEL')).toEqual(['info', 'default']);
  expect(told('REDIS_URL')).toEqual([null, 'unset']);
  expect(told('HOLDFAST_ADMIN_KEY')).toEqual([null, 'environment']);
  expect(told('DATABASE_URL')).toEqual([null, 'flag']);
  expect(JSON.stringify(settings)).not.toMatch(/hush|nobody-sees/);
});

test('flags and names are told apart', () => {
  expect(new Set(SETTINGS.map(({ flag }) => optionName(flag))).size).toBe(SETTINGS.length);
});
