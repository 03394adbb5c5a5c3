import * as crypto from 'node:crypto';
import { Problem } from '../../kernel/problem.ts';
import { personProblems } from './person.problems.ts';
import { formatPhc, parsePhc, type PhcString } from './phc.format.ts';

const SALT_BYTES = 16;
const HASH_BYTES = 32;

/** What a stored text may ask of this machine: a row that was tampered with must not take all memory. */
const MEMORY_MAX_KIB = 1_048_576;

type Parameters = PhcString['parameters'];

type AlgorithmId = 'argon2id' | 'scrypt';

/** What a new hash costs. */
export type PasswordCosts = Readonly<Record<AlgorithmId, Parameters>>;

/**
 * Argon2id as the second recommendation of RFC 9106, section 4: 64 MiB, three passes, four lanes; 100 ms on one core of
 * 2020. scrypt as the first one of OWASP's cheat sheet: 128 MiB; 240 ms on the same core.
 */
export const PASSWORD_COSTS: PasswordCosts = { argon2id: { m: 65_536, t: 3, p: 4 }, scrypt: { ln: 17, r: 8, p: 1 } };

/** A way to make a hash of a password that is slow on purpose. */
interface Algorithm {
  id: AlgorithmId;
  version: number | null;
  /** Null where the parameters are none, or too much to ask. */
  derive: ((password: string, salt: Buffer, length: number, parameters: Parameters) => Promise<Buffer>) | null;
}

/** Node has it since 24.7. */
const ARGON2ID: Algorithm = { id: 'argon2id', version: 19, derive: 'argon2' in crypto ? deriveArgon2id : null };
/** For Node 20 to 24.6. */
const SCRYPT: Algorithm = { id: 'scrypt', version: null, derive: deriveScrypt };

const ALGORITHMS: readonly Algorithm[] = [ARGON2ID, SCRYPT];

export const STRONGEST: AlgorithmId = ARGON2ID.derive === null ? 'scrypt' : 'argon2id';

export async function hashPassword(
  password: string,
  { id = STRONGEST, costs = PASSWORD_COSTS }: { id?: AlgorithmId; costs?: PasswordCosts } = {},
): Promise<string> {
  const algorithm = algorithmOf(id);
  const salt = crypto.randomBytes(SALT_BYTES);
  const made = { id, version: algorithm.version, parameters: costs[id], salt, hash: Buffer.alloc(HASH_BYTES) };
  return formatPhc({ ...made, hash: await derive(algorithm, password, made) });
}

/** `outdated`: it is the password, and the hash should be made anew with today's algorithm and parameters. */
export type Verdict = 'wrong' | 'right' | 'outdated';

/** @throws Problem `password_check_unavailable` where this Node has not got the algorithm */
export async function verifyPassword(
  password: string,
  stored: string,
  costs: PasswordCosts = PASSWORD_COSTS,
): Promise<Verdict> {
  const phc = parsePhc(stored);
  if (phc === null) throw new Error('a stored password hash is no PHC string');
  const derived = await derive(algorithmOf(phc.id), password, phc);
  if (!crypto.timingSafeEqual(derived, phc.hash)) return 'wrong';
  return isOutdated(phc, costs) ? 'outdated' : 'right';
}

/** The hash of no password: checking one against it takes as long as any check, and fails. */
export function hashOfNobody(costs: PasswordCosts = PASSWORD_COSTS): string {
  const { id, version } = algorithmOf(STRONGEST);
  const [salt, hash] = [crypto.randomBytes(SALT_BYTES), crypto.randomBytes(HASH_BYTES)];
  return formatPhc({ id, version, parameters: costs[STRONGEST], salt, hash });
}

function isOutdated({ id, parameters }: PhcString, costs: PasswordCosts): boolean {
  if (id !== STRONGEST) return true;
  return Object.entries(costs[STRONGEST]).some(([name, value]) => (parameters[name] ?? 0) < value);
}

/** The same password typed on another keyboard may be another sequence of code points: NIST SP 800-63B asks for NFKC. */
async function derive(algorithm: Algorithm, password: string, phc: PhcString): Promise<Buffer> {
  if (algorithm.derive === null) throw new Problem(personProblems.passwordCheckUnavailable, NEEDS_ARGON2);
  return algorithm.derive(password.normalize('NFKC'), phc.salt, phc.hash.length, phc.parameters);
}

const NEEDS_ARGON2 =
  'This password was stored by a Holdfast on Node 24, and this one runs on an older Node, which cannot check it. Run it on Node 24 or set the password anew.';

function algorithmOf(id: string): Algorithm {
  const algorithm = ALGORITHMS.find((one) => one.id === id);
  if (algorithm === undefined) throw new Error(`no password is hashed with ${id}`);
  return algorithm;
}

/** On a thread of libuv's, not on the event loop. */
function deriveArgon2id(password: string, salt: Buffer, tagLength: number, { m = 0, t = 0, p = 0 }: Parameters) {
  if (m > MEMORY_MAX_KIB || t > 100 || p > 64) throw new Error('a stored password hash asks too much');
  return new Promise<Buffer>((resolve, reject) => {
    const settings = { message: password, nonce: salt, parallelism: p, tagLength, memory: m, passes: t };
    crypto.argon2('argon2id', settings, (error, tag) => (error === null ? resolve(tag) : reject(error)));
  });
}

function deriveScrypt(password: string, salt: Buffer, length: number, { ln = 0, r = 0, p = 0 }: Parameters) {
  const bytes = 128 * 2 ** ln * r;
  if (ln > 24 || p > 64 || bytes > MEMORY_MAX_KIB * 1_024) throw new Error('a stored password hash asks too much');
  return new Promise<Buffer>((resolve, reject) => {
    const settings = { N: 2 ** ln, r, p, maxmem: 2 * bytes + 1_048_576 };
    crypto.scrypt(password, salt, length, settings, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}
