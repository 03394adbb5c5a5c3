import { MESSAGE_MAX_BYTES } from './signals.ts';

/** A hint on its way: channel and payload. */
export type Hint = readonly [channel: string, payload: string];

/** What travels between instances. */
export interface SignalMessage {
  /** The sender, who has heard its own hints already. */
  from: string;
  hints: readonly Hint[];
  /** Hints of this sender were lost: it had no carrier. */
  gap?: true;
  /** The sender does not hear the carrier that all prefer: what is sent should go by every one. */
  deaf?: true;
}

const CHANNEL = /^[a-z][a-z0-9_.:-]{0,62}$/;
const PAYLOAD_MAX = 1_000;
/** For braces and names around the hints. */
const ENVELOPE_BYTES = 200;

/** @throws RangeError for what could not be sent: a defect of whoever calls */
export function checkHint(channel: string, payload: string): void {
  if (!CHANNEL.test(channel)) throw new RangeError(`"${channel}" is no name of a channel`);
  if (payload.length > PAYLOAD_MAX) throw new RangeError(`A hint on ${channel} has ${payload.length} characters`);
}

/** As many hints as one message takes, and what is left of them. */
export function packHints(hints: readonly Hint[]): { packed: readonly Hint[]; left: readonly Hint[] } {
  let bytes = ENVELOPE_BYTES;
  let count = 0;
  for (const hint of hints) {
    bytes += Buffer.byteLength(JSON.stringify(hint)) + 1;
    if (bytes > MESSAGE_MAX_BYTES && count > 0) break;
    count += 1;
  }
  return { packed: hints.slice(0, count), left: hints.slice(count) };
}

/** Null for what no Holdfast has sent: others may use the same Redis. */
export function parseMessage(text: string): SignalMessage | null {
  try {
    const message: unknown = JSON.parse(text);
    return isMessage(message) ? message : null;
  } catch {
    return null;
  }
}

function isMessage(value: unknown): value is SignalMessage {
  if (typeof value !== 'object' || value === null || !('from' in value) || !('hints' in value)) return false;
  return typeof value.from === 'string' && Array.isArray(value.hints) && value.hints.every(isHint);
}

function isHint(value: unknown): value is Hint {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string');
}
