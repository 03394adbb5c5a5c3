import {
  createRemoteJWKSet,
  customFetch,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  jwtVerify,
  type CryptoKey,
  type JWTPayload,
  type JWTVerifyOptions,
} from 'jose';
import { keepNewest } from '../../kernel/bounded.map.ts';
import type { Clock } from '../../kernel/clock.ts';
import { LAST_MS } from '../../kernel/instant.ts';
import { credentialsInvalid, tokensCannotBeChecked } from './auth.problems.ts';
import type { Caller } from './caller.ts';
import { expandScopes, isScope } from './scope.ts';

/** Where the keys of JSON Web Tokens come from, and what tokens must say. */
export interface JwtConfig {
  keys: { jwksUrl: string } | { secret: string };
  issuer: string;
  audience: string;
}

/** A token is checked again after this: the provider may have withdrawn its key. */
const REMEMBERED_MS = 60_000;
const REMEMBERED_MAX = 10_000;
const CLOCK_TOLERANCE_SECONDS = 5;
const SUBJECT = /^[^\p{Cc}]{1,250}$/u;

/**
 * The algorithms are ours to choose, not the token's: with a public key none that takes a shared secret, or its holder
 * could sign with the public key as that secret.
 */
const PUBLIC_KEY_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const SHARED_SECRET_ALGORITHMS = ['HS256'];

/** What is wrong with the token itself; every other failure is the provider's. */
const TOKEN_FAULTS = new Set([
  errors.JWTExpired.code,
  errors.JWTClaimValidationFailed.code,
  errors.JWTInvalid.code,
  errors.JWSInvalid.code,
  errors.JWSSignatureVerificationFailed.code,
  errors.JOSEAlgNotAllowed.code,
  errors.JOSENotSupported.code,
  errors.JWKSNoMatchingKey.code,
]);

type ProvidersKeys = ReturnType<typeof createRemoteJWKSet>;

/** Keys are a few kilobytes. An answer without end would take all memory before its five seconds are over. */
const KEYS_MAX_BYTES = 1_048_576;

/** Three parts of base64url, the first of which is a JSON object. */
const TOKEN_SHAPE = /^eyJ[\w-]*\.[\w-]+\.[\w-]+$/;

export function looksLikeToken(credential: string): boolean {
  return TOKEN_SHAPE.test(credential);
}

interface Remembered {
  caller: Caller;
  untilMs: number;
  /** When the token itself ends. */
  expiresAtMs: number;
}

/** Checks JSON Web Tokens (RFC 7519): signature, issuer, audience, expiry; their scopes stand in `scope` (RFC 8693). */
export class TokenVerifier {
  readonly #clock: Clock;
  readonly #key: Uint8Array | ProvidersKeys;
  readonly #options: JWTVerifyOptions;
  readonly #onUnavailable: (error: unknown) => void;
  readonly #remembered = new Map<string, Remembered>();

  /** @param onUnavailable told why a token could not be checked */
  constructor(
    { keys, issuer, audience }: JwtConfig,
    clock: Clock,
    onUnavailable: (error: unknown) => void = () => undefined,
  ) {
    this.#clock = clock;
    this.#onUnavailable = onUnavailable;
    const shared = 'secret' in keys;
    this.#key = shared
      ? new TextEncoder().encode(keys.secret)
      : createRemoteJWKSet(new URL(keys.jwksUrl), { [customFetch]: fetchKeys });
    this.#options = {
      issuer,
      audience,
      algorithms: shared ? SHARED_SECRET_ALGORITHMS : PUBLIC_KEY_ALGORITHMS,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      requiredClaims: ['exp', 'sub'],
    };
  }

  /** @throws Problem `unauthorized` or `identity_provider_unavailable` */
  verify(token: string): Caller | Promise<Caller> {
    const remembered = this.#remembered.get(token);
    if (remembered !== undefined && this.#clock.now() < remembered.untilMs) return remembered.caller;
    return this.#check(token);
  }

  async #check(token: string): Promise<Caller> {
    const expiresAtMs = this.#remembered.get(token)?.expiresAtMs ?? Infinity;
    // Also where the provider cannot be reached: who follows events would go on until it can.
    if (this.#clock.now() >= expiresAtMs + CLOCK_TOLERANCE_SECONDS * 1_000) {
      throw credentialsInvalid('The token is not valid: it has expired (exp).');
    }
    const payload = await this.#verified(token);
    const caller = callerOf(payload);
    this.#remember(token, caller, payload.exp ?? 0);
    return caller;
  }

  async #verified(token: string): Promise<JWTPayload> {
    const options = { ...this.#options, currentDate: new Date(this.#clock.now()) };
    try {
      const key = this.#key;
      if (key instanceof Uint8Array) return (await jwtVerify(token, key, options)).payload;
      return await byProvidersKeys(key, token, options);
    } catch (error) {
      if (error instanceof errors.JOSEError && TOKEN_FAULTS.has(error.code)) {
        throw credentialsInvalid(`The token is not valid: ${error.message}.`);
      }
      this.#onUnavailable(error);
      throw tokensCannotBeChecked();
    }
  }

  #remember(token: string, caller: Caller, expiresAtSeconds: number): void {
    const expiresAtMs = expiresAtSeconds * 1_000;
    const untilMs = Math.min(this.#clock.now() + REMEMBERED_MS, expiresAtMs);
    keepNewest(this.#remembered, token, { caller, untilMs, expiresAtMs }, REMEMBERED_MAX);
  }
}

async function fetchKeys(url: string, request: RequestInit): Promise<Response> {
  const response = await fetch(url, request);
  if (response.status !== 200 || response.body === null) return response;
  let bytes = 0;
  const bound = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.byteLength;
      if (bytes > KEYS_MAX_BYTES) controller.error(new Error(`the keys are more than ${KEYS_MAX_BYTES} bytes`));
      else controller.enqueue(chunk);
    },
  });
  return new Response(response.body.pipeThrough(bound), { headers: response.headers });
}

/**
 * A key that a token names and that is not known has the keys fetched anew, once in 30 s. A token need not name one: then
 * it is the signature that does not fit until they are.
 */
async function byProvidersKeys(keys: ProvidersKeys, token: string, options: JWTVerifyOptions): Promise<JWTPayload> {
  try {
    return await byAnyThatFits(keys, token, options);
  } catch (error) {
    if (!isBySomebodyElse(error) || keys.coolingDown || decodeProtectedHeader(token).kid !== undefined) throw error;
  }
  await keys.reload();
  return byAnyThatFits(keys, token, options);
}

async function byAnyThatFits(keys: ProvidersKeys, token: string, options: JWTVerifyOptions): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, keys, options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    return byOneOf(error, token, options);
  }
}

async function byOneOf(keys: AsyncIterable<CryptoKey>, token: string, options: JWTVerifyOptions): Promise<JWTPayload> {
  let refusal: unknown = new errors.JWKSNoMatchingKey();
  for await (const key of keys) {
    try {
      return (await jwtVerify(token, key, options)).payload;
    } catch (error) {
      if (!isBySomebodyElse(error)) throw error;
      refusal = error;
    }
  }
  throw refusal;
}

function isBySomebodyElse(error: unknown): boolean {
  return error instanceof errors.JWSSignatureVerificationFailed;
}

/** Words of `scope` that are not ours, such as `openid`, are somebody else's. */
function callerOf({ sub, scope, exp = 0 }: JWTPayload): Caller {
  // Its type is what a provider should write; nobody has looked.
  if (typeof sub !== 'string' || !SUBJECT.test(sub) || !sub.isWellFormed()) {
    throw credentialsInvalid('The token is not valid: sub must be 1 to 250 characters of text.');
  }
  // Of a provider that counts milliseconds, a token would never end.
  if (exp * 1_000 > LAST_MS) {
    throw credentialsInvalid('The token is not valid: exp must be in seconds, and before the year 10000.');
  }
  const words = typeof scope === 'string' ? scope.split(' ') : [];
  const actor = `user:${sub}`;
  return { actor, owner: actor, scopes: expandScopes(words.filter(isScope)) };
}

/** When the token ends, in milliseconds since the epoch. Of one that was verified: nothing is checked here. */
export function tokenExpiryOf(token: string): number | null {
  const { exp } = decodeJwt(token);
  return exp === undefined ? null : exp * 1_000;
}
