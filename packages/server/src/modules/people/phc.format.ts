/**
 * A password's hash as text that says how it was made (the PHC string format,
 * https://github.com/P-H-C/phc-string-format): `$argon2id$v=19$m=65536,t=3,p=4$<salt>$<hash>`, salt and hash in base64
 * without padding.
 */
export interface PhcString {
  id: string;
  /** Of the algorithm; null where it has none. */
  version: number | null;
  /** Whole numbers, in the order in which they stand. */
  parameters: Readonly<Record<string, number>>;
  salt: Buffer;
  hash: Buffer;
}

const WHOLE =
  /^\$([a-z0-9-]{1,32})(?:\$v=(\d{1,9}))?\$([a-z0-9=,-]{1,200})\$([A-Za-z0-9+/]{1,128})\$([A-Za-z0-9+/]{1,128})$/;
const PARAMETER = /^([a-z0-9-]{1,32})=(0|[1-9]\d{0,8})$/;

export function formatPhc({ id, version, parameters, salt, hash }: PhcString): string {
  const settings = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
  return ['', id, ...(version === null ? [] : [`v=${version}`]), settings.join(','), base64(salt), base64(hash)].join(
    '$',
  );
}

/** Null for a text that is none, or that is not the one way to write what it says. */
export function parsePhc(text: string): PhcString | null {
  const [whole, id = '', version, settings = '', salt = '', hash = ''] = WHOLE.exec(text) ?? [];
  const parameters = parseParameters(settings);
  if (whole === undefined || parameters === null) return null;
  const parsed: PhcString = {
    id,
    version: version === undefined ? null : Number(version),
    parameters,
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64'),
  };
  return formatPhc(parsed) === text ? parsed : null;
}

function parseParameters(settings: string): Record<string, number> | null {
  // Without a prototype: a parameter may be called anything.
  const parameters = Object.create(null) as Record<string, number>;
  for (const setting of settings.split(',')) {
    const [, name, value] = PARAMETER.exec(setting) ?? [];
    // `v` is the version's name, and stands before them.
    if (name === undefined || name === 'v') return null;
    parameters[name] = Number(value);
  }
  return parameters;
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
