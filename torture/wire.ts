/** A message of the PostgreSQL protocol (version 3), as a client sends it. */
export interface WireMessage {
  /** Its letter; empty for the messages before the session, which have none. */
  type: string;
  bytes: Buffer;
}

const HEAD_BYTES = 5;
const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;

/**
 * Cuts a client's bytes into messages, however they arrive. The first ones have no letter: a startup message, which may
 * follow a request for encryption.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export class WireReader {
  #rest: Buffer = Buffer.alloc(0);
  #isStarted = false;

  read(bytes: Buffer): WireMessage[] {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const messages: WireMessage[] = [];
    for (let message = this.#next(); message !== null; message = this.#next()) messages.push(message);
    return messages;
  }

  #next(): WireMessage | null {
    const typeBytes = this.#isStarted ? 1 : 0;
    if (this.#rest.length < typeBytes + 4) return null;
    const length = typeBytes + this.#rest.readInt32BE(typeBytes);
    if (this.#rest.length < length) return null;
    const bytes = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    if (this.#isStarted) return { type: String.fromCharCode(bytes[0] ?? 0), bytes };
    const code = bytes.readInt32BE(4);
    this.#isStarted = code !== SSL_REQUEST && code !== GSS_REQUEST;
    return { type: '', bytes };
  }
}

/**
 * Sees which message makes the server commit: a simple Query, or the Execute of a portal whose statement was parsed as
 * COMMIT, be it named or not.
 */
export class CommitDetector {
  readonly #statements = new Map<string, boolean>();
  readonly #portals = new Map<string, boolean>();

  isCommit({ type, bytes }: WireMessage): boolean {
    if (type === 'Q') return isCommitText(textAt(bytes, HEAD_BYTES));
    if (type === 'P') {
      const name = textAt(bytes, HEAD_BYTES);
      this.#statements.set(name, isCommitText(textAt(bytes, HEAD_BYTES + Buffer.byteLength(name) + 1)));
    }
    if (type === 'B') {
      const portal = textAt(bytes, HEAD_BYTES);
      const statement = textAt(bytes, HEAD_BYTES + Buffer.byteLength(portal) + 1);
      this.#portals.set(portal, this.#statements.get(statement) ?? false);
    }
    return type === 'E' && (this.#portals.get(textAt(bytes, HEAD_BYTES)) ?? false);
  }
}

function isCommitText(text: string): boolean {
  return /^\s*(?:commit|end)\b/i.test(text);
}

function textAt(bytes: Buffer, start: number): string {
  const end = bytes.indexOf(0, start);
  return bytes.toString('utf8', start, end < 0 ? bytes.length : end);
}
