import { randomBytes } from 'node:crypto';

const SECRET_BYTES = 32;

export function generateSecret(): Buffer {
  return randomBytes(SECRET_BYTES);
}

/** As Standard Webhooks writes it, and as its libraries take it. */
export function secretText(secret: Buffer): string {
  return `whsec_${secret.toString('base64')}`;
}
