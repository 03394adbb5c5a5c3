import { request } from 'node:http';

/** How a route began to answer; what streams is not waited for. */
export interface Beginning {
  status: number;
  headers: Record<string, unknown>;
  /** Empty where a stream began. */
  text: string;
}

export interface StreamRequest {
  path: string;
  headers: Record<string, string>;
  /** Asks for a WebSocket. */
  upgrades: boolean;
}

const PATIENCE_MS = 30_000;
const HANDSHAKE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  // The sample of RFC 6455, section 1.3.
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

/** Asks a route that streams, and hangs up as soon as it does. */
export function beginStream(port: number, { path, headers, upgrades }: StreamRequest): Promise<Beginning> {
  return new Promise((resolve, reject) => {
    const asked = request({
      host: '127.0.0.1',
      port,
      path,
      agent: false,
      headers: { ...headers, ...(upgrades ? HANDSHAKE : {}) },
    });
    asked.setTimeout(PATIENCE_MS, () => asked.destroy(new Error(`no answer from ${path} within ${PATIENCE_MS} ms`)));
    asked.on('error', reject);
    asked.on('upgrade', ({ headers: told }, socket) => {
      socket.destroy();
      resolve({ status: 101, headers: told, text: '' });
    });
    asked.on('response', (answer) => {
      const { statusCode: status = 0, headers: told } = answer;
      if (told['content-type']?.startsWith('text/event-stream') === true) {
        answer.destroy();
        resolve({ status, headers: told, text: '' });
        return;
      }
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => (text += chunk));
      answer.on('error', reject);
      answer.on('end', () => resolve({ status, headers: told, text }));
    });
    asked.end();
  });
}
