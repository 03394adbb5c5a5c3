const FULL_BYTES = 131_072;
/** A piece of more than this is sent in parts, so that a reader who takes it slowly is seen to take it. */
const PART_BYTES = 32_768;

/**
 * Counts what was handed to a connection and has not left this process yet. Node takes any amount; whoever writes asks
 * here whether the reader keeps up.
 */
export class Outflow {
  readonly #send: (bytes: Buffer, sent: () => void) => void;
  readonly #onRoom: () => void;
  #pending = 0;
  #wasFull = false;
  #movedAtMs = performance.now();

  /** @param onRoom it was full, and is half empty again */
  constructor(send: (bytes: Buffer, sent: () => void) => void, onRoom: () => void) {
    this.#send = send;
    this.#onRoom = onRoom;
  }

  get isFull(): boolean {
    return this.#pending >= FULL_BYTES;
  }

  /** How long nothing of what waits has left, in milliseconds; 0 while nothing waits. */
  get stalledMs(): number {
    return this.#pending === 0 ? 0 : performance.now() - this.#movedAtMs;
  }

  /** As one piece, where the connection keeps the bounds of messages. */
  writeWhole(bytes: Buffer): void {
    if (this.#pending === 0) this.#movedAtMs = performance.now();
    this.#pending += bytes.length;
    this.#wasFull ||= this.isFull;
    this.#send(bytes, () => this.#left(bytes.length));
  }

  write(bytes: Buffer): void {
    for (let from = 0; from < bytes.length; from += PART_BYTES) {
      this.writeWhole(bytes.length <= PART_BYTES ? bytes : bytes.subarray(from, from + PART_BYTES));
    }
  }

  #left(bytes: number): void {
    this.#pending -= bytes;
    this.#movedAtMs = performance.now();
    if (!this.#wasFull || this.#pending > FULL_BYTES / 2) return;
    this.#wasFull = false;
    this.#onRoom();
  }
}
