/** The parts of a request that differ from one to the next, each of a fixed width, so that they are written in place. */
export const SLOTS = { product: '@@@@@', location: '^^', serial: '%%%%%%%%%%%%', id: '*'.repeat(36) } as const;
export type Slot = keyof typeof SLOTS;

export const skuSlot = `SKU-${SLOTS.product}`;
export const codeSlot = `LOC-${SLOTS.location}`;

export interface RequestParts {
  method: 'GET' | 'POST';
  path: string;
  apiKey: string | undefined;
  /** Sends an Idempotency-Key, which must hold the serial slot to be a new one each time. */
  idempotencyKey: string | undefined;
  body: string | undefined;
}

/**
 * A whole request in one buffer, of which only digits change. A connection owns its templates and has one request
 * outstanding, so the buffer is never rewritten while it is being sent.
 */
export class RequestTemplate {
  readonly bytes: Buffer;
  private readonly offsets: Readonly<Record<Slot, readonly number[]>>;

  constructor(parts: RequestParts) {
    const { method, path, apiKey, idempotencyKey, body } = parts;
    const lines = [`${method} ${path} HTTP/1.1`, 'host: 127.0.0.1'];
    if (apiKey !== undefined) lines.push(`authorization: Bearer ${apiKey}`);
    if (idempotencyKey !== undefined) lines.push(`idempotency-key: ${idempotencyKey}`);
    if (body !== undefined) lines.push('content-type: application/json', `content-length: ${Buffer.byteLength(body)}`);
    const text = `${lines.join('\r\n')}\r\n\r\n${body ?? ''}`;
    this.bytes = Buffer.from(text, 'latin1');
    this.offsets = {
      product: offsetsOf(text, SLOTS.product),
      location: offsetsOf(text, SLOTS.location),
      serial: offsetsOf(text, SLOTS.serial),
      id: offsetsOf(text, SLOTS.id),
    };
  }

  count(slot: Slot): number {
    return this.offsets[slot].length;
  }

  /** Writes the number into the nth such slot, with leading zeros. */
  setNumber(slot: Slot, nth: number, value: number): void {
    const offset = this.offsets[slot][nth];
    if (offset === undefined) return;
    let rest = value;
    for (let at = offset + SLOTS[slot].length - 1; at >= offset; at -= 1) {
      this.bytes[at] = 48 + (rest % 10);
      rest = Math.floor(rest / 10);
    }
  }

  setText(slot: Slot, text: string): void {
    for (const offset of this.offsets[slot]) this.bytes.write(text, offset, SLOTS[slot].length, 'latin1');
  }
}

function offsetsOf(text: string, mark: string): number[] {
  const offsets: number[] = [];
  for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + mark.length)) offsets.push(at);
  return offsets;
}
