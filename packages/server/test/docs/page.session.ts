import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Block } from './markdown.blocks.ts';

/** What became of one block of commands. */
export interface BlockResult {
  block: Block;
  stdout: string;
  stderr: string;
  /** Of its calls of curl, in their order; not of those that xargs made. */
  statuses: number[];
}

export interface SessionOptions {
  /** Stands in for the address that the pages name. */
  address: string;
  /** What `npm run --silent holdfast --` runs. */
  holdfast: string;
  env: NodeJS.ProcessEnv;
  /** Run before the first block. */
  prelude?: string;
}

const SHOWN_ADDRESS = 'http://127.0.0.1:8080';

/** What a page may call. Anything else is a command that nobody has tried here. */
const PROGRAMS = new Set(['curl', 'echo', 'cut', 'seq', 'xargs', 'sort', 'uniq', 'grep', 'sleep']);
/** Run by the suites of their own, and by whoever reads this: a page may show them, they are not run from it. */
const ELSEWHERE = /^(?:[A-Z_]+=\S+ )*npm (?:start|test)(?: -- [\w ./-]+)?$/;
const HOLDFAST = 'npm run --silent holdfast -- ';
const ASSIGNMENT = /^[a-z]+=(?!\$\()/;

/** The commands of a block: a line each, and more where one is continued by a backslash or an open quote. */
export function commandsOf({ text }: Block): string[] {
  const commands: string[] = [];
  let open = '';
  for (const line of text.split('\n')) {
    if (open === '' && (line.trim() === '' || line.startsWith('#'))) continue;
    open += line.endsWith('\\') ? `${line.slice(0, -1).trimEnd()} ` : `${line}\n`;
    const isContinued = line.endsWith('\\') || open.split("'").length % 2 === 0;
    if (isContinued) continue;
    commands.push(open.trim());
    open = '';
  }
  if (open !== '') throw new Error(`this command does not end: ${open}`);
  return commands;
}

/** @throws Error for a command that is not known */
export function refuseUnknownCommands(block: Block): void {
  for (const line of commandsOf(block)) {
    if (ELSEWHERE.test(line) || ASSIGNMENT.test(line)) continue;
    const inner = /^[a-z]+=\$\((.*)\)$/s.exec(line)?.[1] ?? line;
    for (const part of inner.split(' | ')) {
      if (part.startsWith(HOLDFAST) || PROGRAMS.has(part.split(' ')[0] ?? '')) continue;
      throw new Error(`line ${block.line}: nobody knows here how to try \`${line}\``);
    }
  }
}

/**
 * Runs the blocks of a page in one shell, one after the other, as a reader would who types them.
 *
 * @throws Error where one of them fails
 */
export async function runPage(blocks: readonly Block[], options: SessionOptions): Promise<BlockResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-docs-'));
  try {
    await writeFile(join(folder, 'page.sh'), scriptOf(blocks, folder, options));
    const shell = spawn('bash', [join(folder, 'page.sh')], { cwd: folder, env: options.env, stdio: 'ignore' });
    const [code] = (await once(shell, 'exit')) as [number | null];
    const results: BlockResult[] = [];
    for (const [index, block] of blocks.entries()) {
      const read = (name: string): Promise<string> =>
        readFile(join(folder, `${index}.${name}`), 'utf8').catch(() => '');
      const [stdout, stderr] = await Promise.all([read('out'), read('err')]);
      const statuses = [...stderr.matchAll(/^HTTP (\d{3})$/gm)].map((match) => Number(match[1]));
      const isReached = stdout !== '' || stderr !== '' || code === 0;
      if (isReached) results.push({ block, stdout, stderr, statuses });
    }
    if (code !== 0) {
      const last = results.at(-1);
      throw new Error(`the block in line ${last?.block.line} failed with ${code}:\n${last?.stderr}\n${last?.stdout}`);
    }
    return results;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function scriptOf(
  blocks: readonly Block[],
  folder: string,
  { address, holdfast, prelude = '' }: SessionOptions,
): string {
  const asRun = (text: string): string => text.replaceAll(SHOWN_ADDRESS, address).replaceAll(HOLDFAST, `${holdfast} `);
  const parts = blocks.map((block, index) => {
    const lines = commandsOf(block).filter((line) => !ELSEWHERE.test(line));
    return `{ :\n${asRun(lines.join('\n'))}\n} >'${folder}/${index}.out' 2>'${folder}/${index}.err'`;
  });
  // Each answer on a line of its own, each status on one of standard error.
  const curl = `curl() { command curl -sS -w '\\n%{stderr}HTTP %{http_code}\\n' "$@"; }`;
  return ['set -eu -o pipefail', curl, asRun(prelude), ...parts].join('\n');
}
