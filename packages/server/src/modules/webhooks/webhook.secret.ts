import { createHmac, randomBytes } from 'node:crypto';

const SECRET_BYTES = 32;

export function generateSecret(): Buffer {
  return randomBytes(SECRET_BYTES);
}

/** As Standard Webhooks writes it, and as its libraries take it. */
export function secretText(secret: Buffer): string {
  return `whsec_${secret.toString('base64')}`;
}

/**
 * The three headers of Standard Webhooks 1.0.0. "The signature header holds a list of signatures, space delimited": one
 * per secret, so that a receiver that knows any of them verifies it.
 *
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function signedHeaders(
  message: { id: string; body: string; nowMs: number },
  secrets: readonly Buffer[],
): Record<string, string> {
  const seconds = Math.floor(message.nowMs / 1000);
  const content = `${message.id}.${seconds}.${message.body}`;
  const signatures = secrets.map((secret) => `v1,${createHmac('sha256', secret).update(content).digest('base64')}`);
  return {
    'webhook-id': message.id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': signatures.join(' '),
  };
}
