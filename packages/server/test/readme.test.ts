import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createDatabase, startTestApp } from './app.ts';
import { DocumentedAnswer } from './docs/documented.answer.ts';
import { blocksOf, type Block } from './docs/markdown.blocks.ts';
import { refuseUnknownCommands, runPage, type BlockResult } from './docs/page.session.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const cli = fileURLToPath(new URL('../src/main/cli.ts', import.meta.url));

/** Pages that say themselves what `$api` and `$json` are. */
const COMPLETE_PAGES = ['README.md', 'docs/guides/getting-started.md'];
/** Pages for readers who come from there. */
const GUIDES = [
  'reservations',
  'catalog-and-locations',
  'stock-and-ledger',
  'alerts',
  'api-keys-and-tokens',
  'people',
  'rate-limits',
  'idempotency',
  'jobs',
].map((name) => `docs/guides/${name}.md`);
const GUIDE_PRELUDE = "api=http://127.0.0.1:8080/api/v1\njson='Content-Type: application/json'";

/** What a page shows after a block of commands: answers in JSON, or text. */
interface Step {
  commands: Block;
  answers: Block[];
  output: Block | null;
}

function stepsOf(page: string): Step[] {
  const steps: Step[] = [];
  for (const block of blocksOf(page)) {
    const last = steps.at(-1);
    if (['sh', 'bash', 'shell', 'console'].includes(block.language)) {
      steps.push({ commands: block, answers: [], output: null });
    } else if (block.language === 'json' && last !== undefined) last.answers.push(block);
    else if (block.language === 'text' && last !== undefined) last.output = block;
  }
  return steps;
}

interface Server {
  address: string;
  env: NodeJS.ProcessEnv;
  stop(): Promise<void>;
}

/** A server as `npm start` starts it, but on a free port and a database of its own. */
async function startServer(): Promise<Server> {
  const { connection, drop } = await createDatabase();
  const env = environmentOf(connection);
  const server = spawn(process.execPath, [cli, 'serve', '--port', '0'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const address = await addressOf(server);
  const stop = async (): Promise<void> => {
    const ended = once(server, 'exit');
    server.kill('SIGTERM');
    await ended;
    await drop();
  };
  return { address, env, stop };
}

/** The same in this process: it starts at once. */
async function startServerHere(): Promise<Server> {
  const holdfast = await startTestApp({ duties: true });
  const address = await holdfast.app.listen({ host: '127.0.0.1', port: 0 });
  return { address, env: environmentOf(holdfast.connection), stop: () => holdfast.close() };
}

/** Whatever the one who runs the tests has set must not decide what the pages show. */
function environmentOf({ database }: { database?: string | undefined }): NodeJS.ProcessEnv {
  const { host, port, user } = inject('postgres');
  const { PATH, HOME, TMPDIR } = process.env;
  const url = `postgres://${user}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`;
  return { PATH, HOME, TMPDIR, DATABASE_URL: url, LOG_LEVEL: 'error' };
}

async function addressOf(server: ChildProcess): Promise<string> {
  if (server.stdout === null) throw new Error('the server has no standard output');
  for await (const line of createInterface(server.stdout)) {
    const address = /http:\/\/[\d.]+:\d+/.exec(line)?.[0];
    if (address === undefined) continue;
    server.stdout.resume();
    return address;
  }
  throw new Error('the server ended without serving');
}

function hasCurl(): boolean {
  try {
    execFileSync('curl', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The JSON texts of an output: each answer stands on a line of its own. */
function answersIn(stdout: string): unknown[] {
  const lines = stdout.split('\n').filter((line) => line.startsWith('{') || line.startsWith('['));
  return lines.map((line): unknown => JSON.parse(line));
}

function squeezed(text: string): string {
  const lines = text.split('\n').map((line) => line.trim().replaceAll(/\s+/g, ' '));
  return lines.filter((line) => line !== '').join('\n');
}

/** What is not as the page shows it, a line each. */
function differencesOf(step: Step, result: BlockResult, documented: DocumentedAnswer): string[] {
  const shown = step.answers.map(({ text }): unknown => JSON.parse(text));
  const actual = answersIn(result.stdout).slice(-shown.length);
  const differences = shown.flatMap((answer, index) => documented.differences(answer, actual[index]));
  const isRefusalShown = shown.some((answer) => typeof answer === 'object' && answer !== null && 'code' in answer);
  const refused = result.statuses.filter((status) => status >= 400);
  if (refused.length > (isRefusalShown ? 1 : 0)) differences.push(`${refused.join(', ')}: ${result.stdout}`);
  const { output } = step;
  if (output !== null && squeezed(output.text) !== squeezed(result.stdout)) {
    differences.push(`the output is shown as\n${output.text}\nand is\n${result.stdout}`);
  }
  return differences.map((difference) => `line ${step.commands.line}: ${difference}`);
}

async function differencesOfPage(path: string, server: Server, prelude: string): Promise<string[]> {
  const steps = stepsOf(readFileSync(`${root}${path}`, 'utf8'));
  for (const { commands } of steps) refuseUnknownCommands(commands);
  const documented = new DocumentedAnswer();
  const results = await runPage(
    steps.map(({ commands }) => commands),
    { address: server.address, holdfast: `'${process.execPath}' '${cli}'`, env: server.env, prelude },
  );
  return steps.flatMap((step, index) => {
    const result = results[index];
    return result === undefined ? [] : differencesOf(step, result, documented);
  });
}

describe.skipIf(!hasCurl())('the commands of the pages, by curl (skipped where the machine has no curl)', () => {
  describe.each([...COMPLETE_PAGES, ...GUIDES])('%s', (path) => {
    let server: Server | null = null;

    beforeAll(async () => {
      server = await (GUIDES.includes(path) ? startServerHere() : startServer());
    });
    afterAll(() => server?.stop());

    test('does what it shows', async () => {
      const prelude = GUIDES.includes(path) ? GUIDE_PRELUDE : '';
      if (server === null) throw new Error('the server did not start');
      expect(await differencesOfPage(path, server, prelude)).toEqual([]);
    });
  });
});

test('a command that nobody has tried here is refused', () => {
  const block = (text: string): Block => ({ language: 'sh', text, line: 3 });
  expect(() => refuseUnknownCommands(block('npm start'))).not.toThrow();
  expect(() => refuseUnknownCommands(block('id=$(curl -s x | cut -d 1)'))).not.toThrow();
  expect(() => refuseUnknownCommands(block('npm run deploy'))).toThrow('npm run deploy');
  expect(() => refuseUnknownCommands(block('curl x | jq .'))).toThrow('jq');
});
