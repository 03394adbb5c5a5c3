import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHmac } from 'node:crypto';
import { CompactSign, exportJWK, exportSPKI, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Problem } from '../../kernel/problem.ts';
import { HandClock } from './auth.fixture.ts';
import type { Caller } from './index.ts';
import { looksLikeToken, TokenVerifier } from './token.verifier.ts';

const ISSUER = 'https://id.example';
const AUDIENCE = 'holdfast';

let clock: HandClock;
let server: Server;
let jwksUrl: string;
let served: { keys: JWK[] };
let fetches = 0;
let signer: CryptoKey;
let publicKey: CryptoKey;

beforeAll(async () => {
  ({ privateKey: signer, publicKey } = await generateKeyPair('ES256', { extractable: true }));
  served = { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] };
  server = createServer((request, response) => {
    fetches += 1;
    if (request.url === '/endless') return sendWithoutEnd(response);
    response.setHeader('content-type', 'application/json').end(JSON.stringify(served));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => {
  clock = new HandClock();
});

let sentBytes = 0;

function sendWithoutEnd(response: ServerResponse): void {
  const piece = Buffer.alloc(65_536, ' ');
  const send = (): void => {
    do sentBytes += piece.length;
    while (!response.destroyed && response.write(piece));
  };
  response.on('drain', send);
  send();
}

interface Claims {
  iss?: string;
  aud?: string;
  sub?: unknown;
  scope?: unknown;
  exp?: number;
  nbf?: number;
}

function claims(changes: Claims = {}): Claims {
  const exp = Math.floor(clock.ms / 1_000) + 300;
  const all = { iss: ISSUER, aud: AUDIENCE, sub: 'ada', scope: 'openid reserve', exp, ...changes };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function sign(payload: Claims, key: CryptoKey | Uint8Array = signer, alg = 'ES256', kid = 'one'): Promise<string> {
  return new SignJWT(payload as Record<string, unknown>).setProtectedHeader({ alg, kid }).sign(key);
}

/** A token that does not name its key. */
function signNamingNone(payload: Claims, key: CryptoKey): Promise<string> {
  return new SignJWT(payload as Record<string, unknown>).setProtectedHeader({ alg: 'ES256' }).sign(key);
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

async function statusOf(verifier: TokenVerifier, token: string): Promise<[number, string]> {
  const error: unknown = await Promise.resolve(verifier.verify(token)).catch((refusal: unknown) => refusal);
  return error instanceof Problem ? [error.status, error.detail] : [200, (error as Caller).actor];
}

describe("with the provider's public keys", () => {
  let verifier: TokenVerifier;
  beforeEach(() => {
    verifier = new TokenVerifier({ keys: { jwksUrl }, issuer: ISSUER, audience: AUDIENCE }, clock);
  });

  test('a token is somebody with its scopes; words that are not ours are left out', async () => {
    const caller = await verifier.verify(await sign(claims()));
    expect(caller).toMatchObject({ actor: 'user:ada', owner: 'user:ada' });
    expect([...caller.scopes].toSorted()).toEqual(['read', 'reserve']);
    expect([...(await verifier.verify(await sign(claims({ scope: undefined })))).scopes]).toEqual([]);
    expect([...(await verifier.verify(await sign(claims({ scope: ['admin'] })))).scopes]).toEqual([]);
  });

  test('a token that was seen is answered without waiting, until it expires', async () => {
    const token = await sign(claims({ exp: Math.floor(clock.ms / 1_000) + 10 }));
    await verifier.verify(token);
    expect(verifier.verify(token)).not.toBeInstanceOf(Promise);
    clock.ms += 10_000;
    expect(verifier.verify(token)).toBeInstanceOf(Promise);
    expect((await statusOf(verifier, token))[0]).toBe(200);
    clock.ms += 6_000;
    expect(await statusOf(verifier, token)).toEqual([401, expect.stringContaining('exp')]);
  });

  test.each([
    ['another issuer', { iss: 'https://evil.example' }],
    ['no issuer', { iss: undefined }],
    ['another audience', { aud: 'elsewhere' }],
    ['no audience', { aud: undefined }],
    ['no subject', { sub: undefined }],
    ['an empty subject', { sub: '' }],
    ['a subject with a line break', { sub: 'a\nb' }],
    ['a subject with half a character', { sub: 'ada\ud800' }],
    ['a subject that is too long', { sub: 'x'.repeat(251) }],
    ['a subject that is a number', { sub: 17 }],
    ['a subject that is null', { sub: null }],
    ['no expiry', { exp: undefined }],
    ['an expiry in milliseconds', { exp: 1_800_000_300_000 }],
    ['an expiry that no clock reaches', { exp: 1e300 }],
    ['an expiry that has passed', { exp: 1_000 }],
    ['a beginning that has not come', { nbf: 4_000_000_000 }],
  ] as [string, Claims][])('%s is 401', async (_what, changes) => {
    expect((await statusOf(verifier, await sign(claims(changes))))[0]).toBe(401);
  });

  test('a signature by somebody else, a key that is not served and a changed payload are 401', async () => {
    const { privateKey } = await generateKeyPair('ES256');
    expect((await statusOf(verifier, await sign(claims(), privateKey)))[0]).toBe(401);
    expect((await statusOf(verifier, await sign(claims(), signer, 'ES256', 'two')))[0]).toBe(401);
    const [head, , signature] = (await sign(claims())).split('.');
    const forged = `${head}.${encode(claims({ scope: 'admin' }))}.${signature}`;
    expect((await statusOf(verifier, forged))[0]).toBe(401);
  });

  test('no algorithm, and the public key as a shared secret, are 401', async () => {
    const none = `${encode({ alg: 'none' })}.${encode(claims())}.AA`;
    expect((await statusOf(verifier, none))[0]).toBe(401);
    const signed = `${encode({ alg: 'HS256', kid: 'one' })}.${encode(claims())}`;
    for (const secret of [await exportSPKI(publicKey), JSON.stringify(served.keys[0])]) {
      const mac = createHmac('sha256', secret).update(signed).digest('base64url');
      expect((await statusOf(verifier, `${signed}.${mac}`))[0]).toBe(401);
    }
  });

  test('what is no token of this kind is 401, not the fault of the provider', async () => {
    const payload = encode(claims());
    const extended = `${encode({ alg: 'ES256', kid: 'one', crit: ['x'], x: 1 })}.${payload}.AA`;
    const text = await new CompactSign(new TextEncoder().encode('"ada"'))
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .sign(signer);
    for (const token of [`${encode({ alg: 1 })}.${payload}.AA`, extended, text]) {
      expect((await statusOf(verifier, token))[0]).toBe(401);
    }
  });

  test('a token that ends by the clock that is given has ended, whatever time it is', async () => {
    clock.ms = 4_000_000_000_000;
    const token = await sign(claims({ exp: clock.ms / 1_000 - 6 }));
    expect(await statusOf(verifier, token)).toEqual([401, expect.stringContaining('exp')]);
  });

  test('its keys are fetched once', async () => {
    const before = fetches;
    const tokens = await Promise.all(Array.from({ length: 5 }, (_, index) => sign(claims({ sub: `user${index}` }))));
    await Promise.all(tokens.map((token) => Promise.resolve(verifier.verify(token))));
    expect(fetches - before).toBe(1);
  });

  test('a token that names no key is checked by each that fits, also by one that is new', async () => {
    const [other, stranger] = [await generateKeyPair('ES256', { extractable: true }), await generateKeyPair('ES256')];
    const [first] = served.keys;
    const second = { ...(await exportJWK(other.publicKey)), kid: 'two', alg: 'ES256', use: 'sig' };
    const statusNow = async (key: CryptoKey, changes: Claims = {}): Promise<number> =>
      (await statusOf(verifier, await signNamingNone(claims(changes), key)))[0];
    expect([await statusNow(signer), await statusNow(other.privateKey)]).toEqual([200, 401]);
    served = { keys: [first as JWK, second] };
    // They are not fetched more often than every 30 s.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31_000 });
    try {
      // Of a key that it names there is nothing new to hear.
      const before = fetches;
      expect((await statusOf(verifier, await sign(claims(), stranger.privateKey)))[0]).toBe(401);
      expect(fetches).toBe(before);
      expect(await statusNow(other.privateKey)).toBe(200);
      expect(await statusNow(signer, { sub: 'bob' })).toBe(200);
      expect(await statusNow(stranger.privateKey)).toBe(401);
      for (const key of [signer, other.privateKey]) {
        const token = await signNamingNone(claims({ aud: 'elsewhere' }), key);
        expect(await statusOf(verifier, token)).toEqual([401, expect.stringContaining('aud')]);
      }
      expect(fetches).toBe(before + 1);
    } finally {
      vi.useRealTimers();
      served = { keys: [first as JWK] };
    }
  });

  test('a provider that cannot be reached is 503, not a wrong token, and whoever runs this is told why', async () => {
    const reasons: unknown[] = [];
    const away = new TokenVerifier(
      { keys: { jwksUrl: 'http://127.0.0.1:9/jwks' }, issuer: ISSUER, audience: AUDIENCE },
      clock,
      (reason) => reasons.push(reason),
    );
    expect((await statusOf(away, await sign(claims())))[0]).toBe(503);
    expect(reasons).toEqual([expect.any(Error)]);
  });

  test('keys without end are not read to their end', async () => {
    const reasons: unknown[] = [];
    const options = {
      keys: { jwksUrl: jwksUrl.replace('/jwks.json', '/endless') },
      issuer: ISSUER,
      audience: AUDIENCE,
    };
    const endless = new TokenVerifier(options, clock, (reason) => reasons.push(reason));
    expect((await statusOf(endless, await sign(claims())))[0]).toBe(503);
    expect(String((reasons[0] as Error).cause)).toContain('more than 1048576 bytes');
    // What was on its way is some megabytes.
    expect(sentBytes).toBeLessThan(50_000_000);
  });

  test('a token that was good ends with its time, whether or not the provider can be reached then', async () => {
    const [token, longer] = [await sign(claims({ exp: clock.ms / 1_000 + 60 })), await sign(claims())];
    expect([(await statusOf(verifier, token))[0], (await statusOf(verifier, longer))[0]]).toEqual([200, 200]);
    served = { keys: 'gone' } as unknown as typeof served;
    // Of its keys nothing is remembered for longer than ten minutes.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 660_000 });
    try {
      clock.ms += 65_000;
      expect((await statusOf(verifier, token))[0]).toBe(401);
      expect((await statusOf(verifier, longer))[0]).toBe(503);
    } finally {
      vi.useRealTimers();
      served = { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] };
    }
  });
});

describe('with a shared secret', () => {
  const secret = 'an entirely sufficient secret: 32 bytes';

  test('only HS256 by that secret', async () => {
    const verifier = new TokenVerifier({ keys: { secret }, issuer: ISSUER, audience: AUDIENCE }, clock);
    const key = new TextEncoder().encode(secret);
    expect(await statusOf(verifier, await sign(claims(), key, 'HS256'))).toEqual([200, 'user:ada']);
    expect((await statusOf(verifier, await sign(claims(), key, 'HS512')))[0]).toBe(401);
    expect((await statusOf(verifier, await sign(claims())))[0]).toBe(401);
    expect((await statusOf(verifier, await sign(claims(), new TextEncoder().encode(`${secret}!`), 'HS256')))[0]).toBe(
      401,
    );
  });
});

test('tokens and keys are told apart', async () => {
  expect(looksLikeToken(await sign(claims()))).toBe(true);
  for (const other of ['hf_abcdefgh_xyz', 'eyJhbGciOiJIUzI1NiJ9', 'a.b.c', 'eyJ..'])
    expect(looksLikeToken(other)).toBe(false);
});
