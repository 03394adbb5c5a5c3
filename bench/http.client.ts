import { connect, type Socket } from 'node:net';

/** Called once per answer. `body` is there when it was asked for, and whenever the status is not 2xx. */
export type OnAnswer = (status: number, body: Buffer | undefined) => void;

export interface ClientConnection {
  /** Sends a whole request. One at a time: the next only after its answer. */
  send(request: Uint8Array, wantsBody: boolean): void;
  close(): void;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const LENGTH_NAMES = [Buffer.from('\r\ncontent-length: '), Buffer.from('\r\nContent-Length: ')];
const RECEIVE_BYTES = 64 * 1024;

/**
 * A keep-alive HTTP/1.1 connection that does only what a load generator needs, since on a small machine its own
 * cycles are taken from the server under test: it reads into one buffer of its own, looks at status and length, and
 * skips the body. Answers without a Content-Length (but 204) are an error, and so is a connection that the server ends.
 */
export function openConnection(
  port: number,
  onAnswer: OnAnswer,
  onError: (error: Error) => void,
): Promise<ClientConnection> {
  const reader = new AnswerReader(onAnswer);
  return new Promise((resolve, reject) => {
    let isOpen = false;
    const fail = (error: Error): void => (isOpen ? onError(error) : reject(error));
    const socket: Socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafe(RECEIVE_BYTES),
        callback: (size, buffer) => {
          try {
            reader.receive(Buffer.from(buffer.buffer, buffer.byteOffset, size));
          } catch (error) {
            socket.destroy();
            fail(error instanceof Error ? error : new Error(String(error)));
          }
          return true;
        },
      },
    });
    socket.on('error', fail);
    socket.on('end', () => fail(new Error('the server closed a connection')));
    socket.on('connect', () => {
      isOpen = true;
      resolve({
        send: (request, wantsBody) => {
          reader.expect(wantsBody);
          socket.write(request);
        },
        close: () => {
          socket.removeAllListeners('end');
          socket.destroy();
        },
      });
    });
  });
}

/** Takes the bytes of a connection as they come and calls back once per whole answer. */
export class AnswerReader {
  private readonly onAnswer: OnAnswer;
  private wantsBody = false;
  private isAwaited = false;
  /** Bytes of an answer that is not whole yet, kept because its head is not whole or its body is wanted. */
  private kept: Buffer | undefined;
  /** Bytes still to come of a body that nobody wants. */
  private toSkip = 0;
  private skippedStatus = 0;

  constructor(onAnswer: OnAnswer) {
    this.onAnswer = onAnswer;
  }

  expect(wantsBody: boolean): void {
    if (this.isAwaited) throw new Error('a connection carries one request at a time');
    this.isAwaited = true;
    this.wantsBody = wantsBody;
  }

  receive(bytes: Buffer): void {
    if (!this.isAwaited) throw new Error('the server sent bytes that nobody asked for');
    if (this.toSkip > 0) return this.skip(bytes);
    const seen = this.kept === undefined ? bytes : Buffer.concat([this.kept, bytes]);
    const headEnd = seen.indexOf(HEAD_END);
    if (headEnd < 0) return this.keep(seen, bytes);
    const status = statusOf(seen);
    const bodyStart = headEnd + HEAD_END.length;
    const end = bodyStart + lengthOf(seen, headEnd, status);
    if (seen.length > end) throw new Error(`the server sent ${seen.length - end} bytes more than it announced`);
    const isWanted = this.wantsBody || status < 200 || status > 299;
    if (seen.length === end) return this.finish(status, isWanted ? seen.subarray(bodyStart) : undefined);
    if (isWanted) return this.keep(seen, bytes);
    this.kept = undefined;
    this.skippedStatus = status;
    this.toSkip = end - seen.length;
  }

  private skip(bytes: Buffer): void {
    this.toSkip -= bytes.length;
    if (this.toSkip < 0) throw new Error(`the server sent ${-this.toSkip} bytes more than it announced`);
    if (this.toSkip === 0) this.finish(this.skippedStatus, undefined);
  }

  /** `seen` may be a view of the receive buffer, which the next read overwrites. */
  private keep(seen: Buffer, received: Buffer): void {
    this.kept = seen === received ? Buffer.from(seen) : seen;
  }

  private finish(status: number, body: Buffer | undefined): void {
    this.kept = undefined;
    this.isAwaited = false;
    this.onAnswer(status, body);
  }
}

function statusOf(seen: Buffer): number {
  const status = digitsAt(seen, 9);
  if (status < 100 || status > 599) throw new Error(`not an HTTP answer: ${seen.toString('latin1', 0, 80)}`);
  return status;
}

function lengthOf(seen: Buffer, headEnd: number, status: number): number {
  for (const name of LENGTH_NAMES) {
    const at = seen.indexOf(name);
    if (at >= 0 && at < headEnd) return digitsAt(seen, at + name.length);
  }
  if (status === 204) return 0;
  throw new Error(`an answer without Content-Length: ${seen.toString('latin1', 0, headEnd)}`);
}

function digitsAt(bytes: Buffer, start: number): number {
  let value = 0;
  for (let at = start; at < bytes.length; at += 1) {
    const digit = (bytes[at] ?? 0) - 48;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  return value;
}
