import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const POLL_MS = 10;
const LONGEST_MS = 30_000;
const STOP_WITHIN_MS = 15_000;

/** The time from `npm start`, in an installed tree, to the first 200 of `/health/ready`, on a directory without data. */
export async function measureStartMs(freshDirectory: string): Promise<number> {
  const port = await freePort();
  const env = { ...process.env, PORT: String(port), HOLDFAST_DATA: freshDirectory, LOG_LEVEL: 'error' };
  const startedAt = performance.now();
  // A process group of its own, so that npm, its shell and the server all get the signal.
  const npm = spawn('npm', ['start'], { cwd: ROOT, env, stdio: ['ignore', 'ignore', 2], detached: true });
  const gone = once(npm, 'exit');
  const stopWithUs = (): void => void (npm.pid !== undefined && signalGroup(npm.pid, 'SIGTERM'));
  process.once('exit', stopWithUs);
  try {
    await untilReady(port, startedAt, () => npm.exitCode);
    return performance.now() - startedAt;
  } finally {
    process.off('exit', stopWithUs);
    if (npm.pid !== undefined) await stopGroup(npm.pid, gone);
  }
}

async function untilReady(port: number, startedAt: number, exitCode: () => number | null): Promise<void> {
  while (performance.now() - startedAt < LONGEST_MS) {
    if (exitCode() !== null) throw new Error(`npm start ended with ${exitCode()}`);
    const status = await fetch(`http://127.0.0.1:${port}/health/ready`).then(
      (answer) => answer.status,
      () => undefined,
    );
    if (status === 200) return;
    await delay(POLL_MS);
  }
  throw new Error(`npm start was not ready within ${LONGEST_MS} ms`);
}

async function stopGroup(pid: number, gone: Promise<unknown>): Promise<void> {
  signalGroup(pid, 'SIGTERM');
  const deadline = performance.now() + STOP_WITHIN_MS;
  await gone;
  // npm may end before the server, whose database must be down before its directory is removed.
  while (signalGroup(pid, 0) && performance.now() < deadline) await delay(POLL_MS);
  signalGroup(pid, 'SIGKILL');
}

/** Whether there was still a process in the group. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
