import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { PermanentError } from './job.type.ts';
import { ThreadRun, type ThreadContext } from './thread.context.ts';
import { jsonText, NoJsonError } from './thread.json.ts';
import type { FromThread, RunFacts, ToThread } from './thread.messages.ts';
import { takeOutput } from './thread.output.ts';

/** The first and only module of a thread: it loads one file, tells what type it holds, and runs it when it is told to. */

interface UserType {
  run(context: ThreadContext): unknown;
  [member: string]: unknown;
}

const RESULT_MAX_BYTES = 1_048_576;
const STACK_LINES = 12;

if (parentPort === null) throw new Error('this file runs in a thread of its own');
const port = parentPort;
const post = (message: FromThread, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

let current: ThreadRun | null = null;
takeOutput(() => current?.lines ?? null);
await begin((workerData as { file: string }).file);

async function begin(file: string): Promise<void> {
  let type: UserType;
  try {
    type = await load(file);
    // A function is no JSON: `run` stays here.
    post({ kind: 'loaded', description: JSON.stringify(type) });
  } catch (error) {
    post({ kind: 'unfit', reason: messageOf(error) });
    return;
  }
  port.on('message', (message: ToThread) => {
    if (message.kind === 'run') void execute(type, message.run, message.facts);
    else if (message.run !== current?.run) return;
    else if (message.kind === 'abort') current.abort(message.name, message.message);
    else if (message.kind === 'answer') current.answered(message.id, message.outcome);
    else void current.pulled(message.id);
  });
}

async function load(file: string): Promise<UserType> {
  const loaded = (await import(pathToFileURL(file).href)) as { default?: unknown };
  const type = loaded.default;
  if (typeof type !== 'object' || type === null) throw new Error('it has no default export that is an object');
  if (!('run' in type) || typeof type.run !== 'function') throw new Error('its default export has no function run');
  return { ...type, run: type.run.bind(type) as UserType['run'] };
}

async function execute(type: UserType, run: number, facts: RunFacts): Promise<void> {
  const own = new ThreadRun(run, facts, post);
  current = own;
  const last = await outcomeOf(type, own);
  own.end();
  current = null;
  post({ ...last, run });
}

type Last = { kind: 'done'; result: string } | { kind: 'failed'; message: string; isPermanent: boolean };

async function outcomeOf(type: UserType, { context, lines }: ThreadRun): Promise<Last> {
  try {
    const result = await type.run(context);
    return { kind: 'done', result: jsonText(result, 'the result', RESULT_MAX_BYTES) };
  } catch (error) {
    const isPermanent = error instanceof PermanentError || error instanceof NoJsonError;
    const stack = error instanceof Error ? (error.stack ?? '').split('\n').slice(0, STACK_LINES) : [];
    for (const line of isPermanent ? [] : stack) lines.log('error', line);
    return { kind: 'failed', message: messageOf(error), isPermanent };
  }
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return `it threw ${String(error)}`;
  return error.message === '' ? error.name : error.message;
}
