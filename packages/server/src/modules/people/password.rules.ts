import { validationFailed } from '../../kernel/problem.ts';

/** In characters (code points), after NFKC. No rule asks for digits or signs: length is what counts (NIST SP 800-63B). */
export const PASSWORD_MIN = 12;
export const PASSWORD_MAX = 200;

/** What must be left of a password when everything is taken out of it that a guesser tries first. */
const OWN_PART_MIN = 6;
const WORD_MIN = 3;

/** The words that the most common passwords are made of; one that holds another stands before it. */
const COMMON_WORDS = `
  administrator passphrase password1 passwort password passw0rd p@ssw0rd p@ssword contraseña contrasena motdepasse
  wachtwoord admin root login user guest default changeme letmein welcome willkommen bienvenue iloveyou iloveu sunshine
  princess football baseball basketball superman batman starwars pokemon dragon monkey master shadow michael jordan jesus
  secret trustno1 whatever freedom computer internet samsung google charlie ashley hello test temp abc123 123abc a1b2c3
  1qaz2wsx3edc 1qaz2wsx zaq12wsx 1q2w3e4r5t 1q2w3e4r q1w2e3r4 asd123 qwertz qwerty azerty spring summer autumn winter
  january february march april june july august september october november december monday friday
  warehouse inventory holdfast stock shop
`
  .trim()
  .split(/\s+/);

/** Keys beside one another, and the alphabet: runs along them are no secret. */
const ROWS = `
  01234567890 abcdefghijklmnopqrstuvwxyz qwertyuiop qwertzuiop azertyuiop asdfghjkl qsdfghjklm zxcvbnm yxcvbnm wxcvbn
  !@#$%^&*() !"§$%&/()=
`
  .trim()
  .split(/\s+/);
const RUN_MIN = 3;
const YEAR = /(?:19|20)\d\d/g;

/** Whom a password is for: their own names are the first guesses. */
export interface PasswordOwner {
  login: string;
  name: string;
}

/**
 * A new password must be long, and must not be made of what everybody tries.
 *
 * @param path of the field, as a refusal names it
 * @throws Problem `validation_failed`
 */
export function refuseWeakPassword(password: string, owner: PasswordOwner, path: string): void {
  const fault = faultOf(password.normalize('NFKC'), owner);
  if (fault !== null) throw validationFailed([{ path, message: fault }]);
}

function faultOf(password: string, owner: PasswordOwner): string | null {
  const length = Array.from(password).length;
  if (length < PASSWORD_MIN)
    return `must have ${PASSWORD_MIN} characters or more; a few words in a row are easy to remember`;
  if (length > PASSWORD_MAX) return `must have ${PASSWORD_MAX} characters or fewer`;
  if (ownPartOf(password, owner) >= OWN_PART_MIN) return null;
  return 'is too easy to guess: it is little more than a common password, a row of keys, or a name of its owner';
}

/** How many characters are left without common words, the owner's names, runs and repetitions. */
function ownPartOf(password: string, { login, name }: PasswordOwner): number {
  let rest = fold(password);
  const own = [login, ...`${login} ${name}`.split(/[^\p{L}\p{N}]+/u)].map(fold);
  for (const word of own.toSorted((left, right) => right.length - left.length)) {
    if (word.length >= WORD_MIN) rest = rest.replaceAll(word, ' ');
  }
  for (const word of COMMON_WORDS) rest = rest.replaceAll(word, ' ');
  rest = rest.replaceAll(YEAR, ' ');
  return Array.from(repeatedPartOf(withoutRuns(rest).replaceAll(/\s/g, ''))).length;
}

function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}

/** Without three or more of one character, and without three or more keys in a row, either way. */
function withoutRuns(text: string): string {
  const characters = Array.from(text);
  let rest = '';
  for (let at = 0; at < characters.length;) {
    const length = runAt(characters, at);
    if (length < RUN_MIN) rest += characters[at] ?? '';
    at += length < RUN_MIN ? 1 : length;
  }
  return rest;
}

function runAt(characters: readonly string[], at: number): number {
  const lengths = [(left: string, right: string) => left === right, ...ROWS.flatMap(stepsAlong)].map((isStep) => {
    let end = at;
    while (end + 1 < characters.length && isStep(characters[end] ?? '', characters[end + 1] ?? '')) end += 1;
    return end - at + 1;
  });
  return Math.max(...lengths);
}

function stepsAlong(row: string): ((left: string, right: string) => boolean)[] {
  const backwards = Array.from(row).toReversed().join('');
  return [row, backwards].map((way) => (left, right) => way.includes(left + right));
}

/** What a text repeats: `xyz` of `xyzxyzxyz`; the whole of one that repeats nothing. */
function repeatedPartOf(text: string): string {
  const period = (text + text).indexOf(text, 1);
  return text.slice(0, period);
}
