import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { Problem, problems, type ProblemKind } from '../../kernel/problem.ts';
import { instanceOf, PROBLEM_JSON } from './error.mapping.ts';

/** What Node's parser gives up on never becomes a request: it is answered on the bare connection, which then closes. */
export function answerClientError(error: { code?: string }, socket: Socket, requestId: string): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemOf(error.code);
  const body = JSON.stringify({ ...problem.toJSON(), instance: instanceOf(requestId) });
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    `Content-Type: ${PROBLEM_JSON}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

const MALFORMED: ProblemKind = { ...problems.validationFailed, title: 'The request is not HTTP' };

function problemOf(code: string | undefined): Problem {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new Problem(problems.headersTooLarge, 'Request line and headers may have 16 KiB together.');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new Problem(problems.payloadTooLarge, 'The chunk extensions are too long.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem(problems.requestTimeout, 'Send the whole request without a pause.');
    default:
      return new Problem(MALFORMED, 'The request could not be read as HTTP/1.1.', {
        errors: [{ path: '', message: 'is no HTTP/1.1 request' }],
      });
  }
}
