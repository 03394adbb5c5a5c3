const FULL_BYTES = 131_072;
/** A message of more than this is sent in parts. */
const PART_BYTES = 32_768;
/** What a kernel has room for leaves at once. */
const AT_ONCE_MS = 50;

/** Sends a part of a message, and calls when it has left this process. */
type Send = (part: Buffer, isLastOfMessage: boolean, sent: () => void) => void;

/**
 * What waits for a connection to take it. The connection itself is handed no more than a part or two at a time: Node sends
 * everything that it holds as one piece, and says that it has left when the last byte has. A reader who took 40 KB/s of a
 * few megabytes was seen to take nothing for 76 s; part by part, for 3 s.
 */
export class Outflow {
  readonly #send: Send;
  readonly #onRoom: () => void;
  readonly #waiting: Buffer[] = [];
  /** So much of the first that waits was handed over. */
  #handedOfFirst = 0;
  #handedOver = 0;
  /** Written, and not left yet. */
  #pending = 0;
  #wasFull = false;
  #movedAtMs = performance.now();
  #takenAtMs = -Infinity;
  #onHandedOver: (() => void) | null = null;

  /** @param onRoom it was full, and is half empty again */
  constructor(send: Send, onRoom: () => void) {
    this.#send = send;
    this.#onRoom = onRoom;
  }

  get isFull(): boolean {
    return this.#pending >= FULL_BYTES;
  }

  /** How long nothing of what waits has left, in milliseconds; null while nothing waits. */
  get stalledMs(): number | null {
    return this.#pending === 0 ? null : performance.now() - this.#movedAtMs;
  }

  /** When something left that had to wait, on the monotonic clock: somebody is there who takes. */
  get takenAtMs(): number {
    return this.#takenAtMs;
  }

  write(message: Buffer): void {
    if (this.#pending === 0) this.#movedAtMs = performance.now();
    this.#pending += message.length;
    this.#wasFull ||= this.isFull;
    this.#waiting.push(message);
    this.#handOver();
  }

  /** Calls when everything that was written is with the connection: nothing is written after it. */
  end(onHandedOver: () => void): void {
    this.#onHandedOver = onHandedOver;
    this.#handOver();
  }

  #handOver(): void {
    for (let [first] = this.#waiting; first !== undefined && this.#handedOver < PART_BYTES; [first] = this.#waiting) {
      const part = first.subarray(this.#handedOfFirst, this.#handedOfFirst + PART_BYTES);
      this.#handedOfFirst += part.length;
      const isLast = this.#handedOfFirst === first.length;
      if (isLast) {
        this.#waiting.shift();
        this.#handedOfFirst = 0;
      }
      this.#handedOver += part.length;
      this.#send(part, isLast, () => this.#left(part.length));
    }
    if (this.#waiting.length > 0) return;
    this.#onHandedOver?.();
    this.#onHandedOver = null;
  }

  #left(bytes: number): void {
    this.#handedOver -= bytes;
    this.#pending -= bytes;
    const nowMs = performance.now();
    if (nowMs - this.#movedAtMs > AT_ONCE_MS) this.#takenAtMs = nowMs;
    this.#movedAtMs = nowMs;
    this.#handOver();
    if (!this.#wasFull || this.#pending > FULL_BYTES / 2) return;
    this.#wasFull = false;
    this.#onRoom();
  }
}
