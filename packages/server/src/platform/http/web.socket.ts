import { EventEmitter } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import websocket from '@fastify/websocket';
import type { HttpServer } from './http.options.ts';
import { Outflow } from './outflow.ts';

/** What a client names that cannot send headers, such as a browser's page; the answer names the first alone. */
export const SUBPROTOCOL = 'holdfast';
/** Then the key or token, in base64url, since a subprotocol is a token of HTTP. */
export const BEARER_SUBPROTOCOL = 'holdfast.bearer.';

export interface WebSocketOptions {
  /** Of one message from a client; a longer one ends the connection (1009). */
  messageMaxBytes: number;
}

/** A WebSocket whose client is let in. */
export interface WebSocketPeer {
  /** The request that it began with. */
  readonly request: IncomingMessage;
  /** Takes whole messages, as UTF-8 text; a large one travels in fragments (RFC 6455, section 5.4), pings between them. */
  readonly outflow: Outflow;
  ping(): void;
  /** Sends what was written and a close frame; who does not answer it in time is cut. */
  end(code: number, reason: string, graceMs: number): void;
  /** Now. */
  cut(): void;
}

export interface WebSocketHooks {
  /** A whole message; null for one that is not text. */
  onMessage(text: Buffer | null): void;
  /** Something came that is no message: the client is there. */
  onSignOfLife(): void;
  /** It was full, and has room again. */
  onRoom(): void;
  /** The connection is gone, whoever ended it. */
  onClose(): void;
}

const AFTER_FAULT_MS = 2_000;

/**
 * Lets routes of this scope have a `wsHandler`. Only requests that ask for a WebSocket at `url` are upgraded: all others
 * that carry an Upgrade header, such as the h2c that Java's client and curl --http2 offer with every request, are
 * answered as if they carried none (RFC 9110, section 7.8).
 */
export async function allowWebSockets(scope: HttpServer, url: string, options: WebSocketOptions): Promise<void> {
  const upgrades = new EventEmitter();
  const { server } = scope;
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    if (!isFor(request, url)) return answerAsUsual(server, request, socket, head);
    bearFromSubprotocol(request);
    upgrades.emit('upgrade', request, socket, head);
  });
  await scope.register(websocket, {
    options: {
      // It only listens there for upgrades, and hears of those that are meant for it.
      server: upgrades as Server,
      maxPayload: options.messageMaxBytes,
      // Events are small; a compressed message may be a bomb, and each connection would hold its own window.
      perMessageDeflate: false,
      clientTracking: false,
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    },
    // Those who hold the connections end them, and say why.
    preClose: (done) => done(),
    // ws has sent a close frame that says what was wrong; it goes out before the connection is cut.
    errorHandler: (_error, socket) => {
      setTimeout(() => socket.terminate(), AFTER_FAULT_MS).unref();
    },
  });
}

export function peerOf(socket: websocket.WebSocket, request: IncomingMessage, hooks: WebSocketHooks): WebSocketPeer {
  socket.on('message', (data: Buffer, isBinary: boolean) => hooks.onMessage(isBinary ? null : data));
  socket.on('ping', () => hooks.onSignOfLife());
  socket.on('pong', () => hooks.onSignOfLife());
  socket.on('close', () => hooks.onClose());
  const outflow = new Outflow(
    (part, isLast, sent) => socket.send(part, { binary: false, fin: isLast }, sent),
    () => hooks.onRoom(),
  );
  return {
    request,
    outflow,
    ping: () => {
      if (socket.readyState === socket.OPEN) socket.ping();
    },
    end: (code, reason, graceMs) => {
      outflow.end(() => socket.close(code, reason));
      const cut = setTimeout(() => socket.terminate(), graceMs).unref();
      socket.on('close', () => clearTimeout(cut));
    },
    cut: () => socket.terminate(),
  };
}

function isFor({ method, url, headers }: IncomingMessage, wanted: string): boolean {
  const path = url?.split('?', 1)[0];
  return method === 'GET' && path === wanted && headers.upgrade?.toLowerCase() === 'websocket';
}

/** A browser cannot set Authorization on a WebSocket; a key in the address would end up in logs. */
function bearFromSubprotocol({ headers }: IncomingMessage): void {
  if (headers.authorization !== undefined || headers['x-api-key'] !== undefined) return;
  const offered = headers['sec-websocket-protocol']?.split(',').map((name) => name.trim());
  const bearer = offered?.find((name) => name.startsWith(BEARER_SUBPROTOCOL));
  if (bearer === undefined) return;
  const secret = Buffer.from(bearer.slice(BEARER_SUBPROTOCOL.length), 'base64url').toString('latin1');
  headers.authorization = `Bearer ${secret}`;
}

/** Node has taken the connection away from its parser: gives it back, with the request as it would be without Upgrade. */
function answerAsUsual(server: Server, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const { method, url, httpVersion, rawHeaders } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2);
    const kept = name.toLowerCase() === 'connection' ? withoutUpgrade(value) : value;
    if (UPGRADE_HEADERS.has(name.toLowerCase()) || kept === null) continue;
    lines.push(`${name}: ${kept}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('connection', socket);
}

const UPGRADE_HEADERS = new Set(['upgrade', 'http2-settings']);

function withoutUpgrade(connection: string): string | null {
  const kept = connection.split(',').filter((option) => !UPGRADE_HEADERS.has(option.trim().toLowerCase()));
  return kept.length === 0 ? null : kept.join(',').trim();
}
