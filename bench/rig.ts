import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { type Child, startChild } from './child.ts';
import { databaseCpuMs, stopDatabaseBelow } from './database.process.ts';
import type { LoadOrder, LoadResult } from './load.ts';
import { readUsage, type ServerQuestion, type ServerUsage } from './server.questions.ts';

/** The processes of a benchmark: the server under test, the bare Fastify, and the one that makes the load. */
export interface Rig {
  appPort: number;
  barePort: number;
  runLoad(order: LoadOrder): Promise<LoadResult>;
  usage(): Promise<Usage>;
  /** Waits until what the last scenario left behind (the event stream, checkpoints) is worked off, or for so long. */
  settle(): Promise<void>;
  ask(question: ServerQuestion): Promise<unknown>;
  stop(): Promise<void>;
}

export interface Usage extends ServerUsage {
  /** Undefined where the system does not tell. */
  databaseCpuMs: number | undefined;
  /** Processor time of the bare Fastify, the load and this process. */
  restCpuMs: number;
  /** Of all processors together, since the machine started. */
  machineBusyMs: number;
  machineIdleMs: number;
}

const SETTLE_STEP_MS = 100;
const SETTLE_LONGEST_MS = 1_500;
/** Of one processor. */
const IDLE_SHARE = 0.15;

/** @param env of the server under test, on top of this process's own */
export async function startRig(dataDirectory: string, env: Record<string, string> = {}): Promise<Rig> {
  const children: Child[] = [];
  const start = (file: string, { flags = [], variables = {} }: Partial<StartCommand> = {}): Child => {
    const child = startChild(file, { ...variables, ...env, BENCH_DATA: dataDirectory }, flags);
    children.push(child);
    return child;
  };
  const stop = async (): Promise<void> => {
    await Promise.all(children.map((child) => child.stop()));
    await stopDatabaseBelow(dataDirectory);
  };
  try {
    const [app, bare, load] = [start('server.ts', startCommand()), start('bare.ts'), start('load.process.ts')];
    const { port: appPort } = (await app.ask({ do: 'address' } satisfies ServerQuestion)) as { port: number };
    const { port: barePort } = (await bare.ask({ do: 'address' })) as { port: number };
    const usage = async (): Promise<Usage> => {
      const asked = [app, bare, load].map((child) => child.ask({ do: 'usage' } satisfies ServerQuestion));
      const [ofApp, ofBare, ofLoad] = (await Promise.all(asked)) as [ServerUsage, ServerUsage, ServerUsage];
      return {
        ...ofApp,
        databaseCpuMs: databaseCpuMs(dataDirectory),
        restCpuMs: ofBare.cpuMs + ofLoad.cpuMs + readUsage().cpuMs,
        ...machineTimes(),
      };
    };
    return {
      appPort,
      barePort,
      runLoad: async (order) => (await load.ask(order)) as LoadResult,
      usage,
      settle: () => settle(usage),
      ask: (question) => app.ask(question),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface StartCommand {
  /** Of Node. */
  flags: string[];
  variables: Record<string, string>;
}

/** How `npm start` runs the server: it decides its memory. */
function startCommand(): StartCommand {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    scripts: { start: string };
  };
  const words = manifest.scripts.start.split(/\s+/);
  const variables = new Map(
    words.flatMap((word) => [...word.matchAll(/^([A-Z_]+)=(.*)$/g)].map(([, ...pair]) => pair as [string, string])),
  );
  return { flags: words.filter((word) => word.startsWith('--')), variables: Object.fromEntries(variables) };
}

function machineTimes(): Pick<Usage, 'machineBusyMs' | 'machineIdleMs'> {
  let [machineBusyMs, machineIdleMs] = [0, 0];
  for (const { times } of cpus()) {
    machineBusyMs += times.user + times.nice + times.sys + times.irq;
    machineIdleMs += times.idle;
  }
  return { machineBusyMs, machineIdleMs };
}

/** The share of the machine's processors that went to anything else than this benchmark; undefined where unknown. */
export function othersShare(before: Usage, after: Usage): number | undefined {
  if (before.databaseCpuMs === undefined || after.databaseCpuMs === undefined) return undefined;
  const ownMs =
    after.cpuMs - before.cpuMs + (after.restCpuMs - before.restCpuMs) + (after.databaseCpuMs - before.databaseCpuMs);
  const otherMs = Math.max(0, after.machineBusyMs - before.machineBusyMs - ownMs);
  const allMs = after.machineBusyMs - before.machineBusyMs + (after.machineIdleMs - before.machineIdleMs);
  return allMs === 0 ? undefined : otherMs / allMs;
}

function busyMs(usage: Usage): number {
  return usage.cpuMs + (usage.databaseCpuMs ?? 0);
}

async function settle(usage: () => Promise<Usage>): Promise<void> {
  let before = busyMs(await usage());
  for (let waitedMs = 0; waitedMs < SETTLE_LONGEST_MS; waitedMs += SETTLE_STEP_MS) {
    await delay(SETTLE_STEP_MS);
    const now = busyMs(await usage());
    if (now - before < SETTLE_STEP_MS * IDLE_SHARE) return;
    before = now;
  }
}
