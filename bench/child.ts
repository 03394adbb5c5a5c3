import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** One question to a child process and its answer, over the IPC channel. */
type Reply = { value: unknown } | { error: string };

const STOP_WITHIN_MS = 15_000;
const running = new Set<ChildProcess>();

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

const tellParent = (message: Reply): void => void process.send?.(message);

/** In the child: answers the parent's questions one by one, and calls `leave` when the parent is gone. */
export function answerParent(answer: (question: unknown) => Promise<unknown>, leave: () => void): void {
  process.on('message', (question) => {
    answer(question).then(
      (value) => tellParent({ value }),
      (error: unknown) =>
        tellParent({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  process.on('disconnect', leave);
}

export interface Child {
  pid: number;
  /** Rejects when the child answers with an error or dies. One question at a time. */
  ask(question: unknown): Promise<unknown>;
  /** SIGTERM, and SIGKILL where that does not end it. */
  stop(): Promise<void>;
}

/**
 * Starts a TypeScript file of this folder as a process of its own, under this one's flags of Node and further ones; its
 * output goes to this one's stderr.
 */
export function startChild(file: string, env: Record<string, string> = {}, nodeFlags: readonly string[] = []): Child {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const child = fork(path, {
    env: { ...process.env, ...env },
    execArgv: [...process.execArgv, ...nodeFlags],
    stdio: ['ignore', 2, 2, 'ipc'],
    serialization: 'json',
  });
  running.add(child);
  const gone = new Promise<string>((resolve) => {
    child.on('exit', (code, signal) => {
      running.delete(child);
      resolve(`${file} ended with ${signal ?? code ?? 'no code'}`);
    });
  });
  return {
    pid: child.pid ?? 0,
    ask: (question) => askChild(child, question, gone),
    stop: () => stopChild(child, gone),
  };
}

function askChild(child: ChildProcess, question: unknown, gone: Promise<string>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: unknown): void => {
      const reply = message as Reply;
      if ('error' in reply) reject(new Error(reply.error));
      else resolve(reply.value);
    };
    child.once('message', onMessage);
    void gone.then((reason) => {
      child.off('message', onMessage);
      reject(new Error(reason));
    });
    child.send(question as object, (error) => {
      if (error !== null) reject(error);
    });
  });
}

async function stopChild(child: ChildProcess, gone: Promise<string>): Promise<void> {
  if (!running.has(child)) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await gone;
  clearTimeout(timer);
}
