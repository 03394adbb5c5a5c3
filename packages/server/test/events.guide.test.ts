import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { blocksOf } from './docs/markdown.blocks.ts';

const python = spawnSync('python3', ['--version']).status === 0 ? null : 'there is no python3';
const page = readFileSync(new URL('../../../docs/guides/events.md', import.meta.url), 'utf8');
const program = blocksOf(page).find(({ language }) => language === 'python')?.text ?? '';

const LAST = 4;
const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';

function eventOf(position: number): string {
  return `id: ${position}\nevent: stock.changed\ndata: {"position":${position},"type":"stock.changed","subject":"A"}\n\n`;
}

function chunkOf(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

test.skipIf(python !== null).each([
  ['behind a chunk', (event: string) => chunkOf(event.slice(0, 20))],
  ['within a chunk', (event: string) => chunkOf(event).slice(0, 20)],
])(
  `the reader in Python goes on where a connection broke in the middle of an event, ${python ?? '%s'}`,
  async (_where, cut) => {
    const resumedFrom: number[] = [];
    const server = createServer((socket: Socket) => {
      socket
        .on('error', () => undefined)
        .on('data', (request) => {
          const from = Number(/last-event-id: (\d+)/i.exec(request.toString())?.[1] ?? 0);
          resumedFrom.push(from);
          if (resumedFrom.length === 1) socket.end(HEAD + chunkOf(eventOf(1)) + cut(eventOf(2)));
          else
            for (let next = from + 1; next <= LAST; next += 1)
              socket.write((next === from + 1 ? HEAD : '') + chunkOf(eventOf(next)));
        });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const reader = spawn('python3', ['-u', '-c', program.replace('http://127.0.0.1:8080', address)], {
      env: { ...process.env, HOLDFAST_KEY: 'a key' },
    });
    let out = '';
    reader.stdout.on('data', (text) => (out += String(text)));
    reader.stderr.on('data', (text) => (out += String(text)));
    try {
      await expect
        .poll(() => out.trim().split('\n'), { timeout: 15_000 })
        .toEqual(Array.from({ length: LAST }, (_, index) => `${index + 1} stock.changed A`));
      expect(resumedFrom).toEqual([0, 1]);
    } finally {
      reader.kill();
      server.close();
    }
  },
);
