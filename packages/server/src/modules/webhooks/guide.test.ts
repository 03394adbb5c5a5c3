import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { blocksOf } from '../../../test/docs/markdown.blocks.ts';
import { freePort, until } from '../../../test/holdfast.process.ts';
import { signedHeaders } from '../../platform/egress/index.ts';
import { generateSecret, secretText } from './webhook.secret.ts';

const GUIDE = fileURLToPath(new URL('../../../../../docs/guides/webhooks.md', import.meta.url));

it('the receiver of the guide takes what is signed, and nothing else', async () => {
  const code = blocksOf(await readFile(GUIDE, 'utf8')).find(({ language }) => language === 'js')?.text ?? '';
  const secret = generateSecret();
  const port = await freePort();
  const env = { ...process.env, WEBHOOK_SECRET: secretText(secret), PORT: String(port) };
  const cwd = fileURLToPath(new URL('.', import.meta.url));
  const receiver = spawn(process.execPath, ['--input-type=module', '--eval', code], { env, cwd });
  try {
    let output = '';
    receiver.stdout.on('data', (text: Buffer) => (output += text.toString()));
    const body = JSON.stringify({ type: 'stock.changed', subject: 'MUG', position: 7 });
    const send = async (sent: string): Promise<number> => {
      const headers = signedHeaders({ id: 'evt_7', body, nowMs: Date.now() }, [generateSecret(), secret]);
      const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body: sent }).catch(
        () => null,
      );
      return answer?.status ?? 0;
    };
    await until('it listens', async () => (await send(body)) === 204);
    await until('it has said so', () => output.includes('stock.changed MUG 7'));
    expect(await send(`${body} `)).toBe(400);
  } finally {
    receiver.kill();
    await once(receiver, 'exit');
  }
});
