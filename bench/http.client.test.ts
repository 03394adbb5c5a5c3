import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { AnswerReader, openConnection } from './http.client.ts';

interface Seen {
  status: number;
  body: string | undefined;
}

function readInPieces(answer: string, pieceBytes: number, wantsBody: boolean): Seen[] {
  const seen: Seen[] = [];
  const reader = new AnswerReader((status, body) => seen.push({ status, body: body?.toString() }));
  // The receive buffer is one and the same for all reads, as it is on a socket.
  const receiveBuffer = Buffer.alloc(pieceBytes);
  reader.expect(wantsBody);
  for (let at = 0; at < answer.length; at += pieceBytes) {
    const piece = Buffer.from(answer.slice(at, at + pieceBytes));
    piece.copy(receiveBuffer);
    reader.receive(receiveBuffer.subarray(0, piece.length));
  }
  return seen;
}

const CREATED = 'HTTP/1.1 201 Created\r\nx: y\r\ncontent-length: 11\r\ndate: now\r\n\r\n{"id":"42"}';

test('an answer is read the same whole and in pieces of any size', () => {
  for (let pieceBytes = 1; pieceBytes <= CREATED.length; pieceBytes += 1) {
    expect(readInPieces(CREATED, pieceBytes, true)).toEqual([{ status: 201, body: '{"id":"42"}' }]);
    expect(readInPieces(CREATED, pieceBytes, false)).toEqual([{ status: 201, body: undefined }]);
  }
});

test('the body of a refusal is always handed over, and 204 needs no length', () => {
  const refusal = 'HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\n{}';
  expect(readInPieces(refusal, 7, false)).toEqual([{ status: 409, body: '{}' }]);
  expect(readInPieces('HTTP/1.1 204 No Content\r\n\r\n', 64, false)).toEqual([{ status: 204, body: undefined }]);
});

test('what is not one whole answer of announced length is an error', () => {
  expect(() => readInPieces(`${CREATED}x`, 1000, false)).toThrow('1 bytes more');
  expect(() => readInPieces('HTTP/1.1 200 OK\r\n\r\n', 1000, false)).toThrow('without Content-Length');
  expect(() => readInPieces('SSH-2.0-OpenSSH\r\n\r\n', 1000, false)).toThrow('not an HTTP answer');
  expect(() => new AnswerReader(() => undefined).receive(Buffer.from('HTTP/1.1 '))).toThrow('nobody asked');
});

test('over a socket: requests one after another, and a connection that the server ends is reported', async () => {
  const server = createServer((socket) => {
    let requests = 0;
    socket.on('data', () => {
      requests += 1;
      if (requests <= 2) socket.write(CREATED);
      else socket.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const statuses: number[] = [];
  const error = await new Promise<Error>((resolve, reject) => {
    let next: () => void = () => undefined;
    const onAnswer = (status: number): void => {
      statuses.push(status);
      next();
    };
    openConnection(port, onAnswer, resolve).then((connection) => {
      next = () => connection.send(Buffer.from('POST / HTTP/1.1\r\n\r\n'), false);
      next();
    }, reject);
  });
  expect(statuses).toEqual([201, 201]);
  expect(error.message).toBe('the server closed a connection');
  await new Promise((resolve) => server.close(resolve));
});
