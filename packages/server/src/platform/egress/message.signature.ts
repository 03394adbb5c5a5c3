import { createHmac } from 'node:crypto';

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
