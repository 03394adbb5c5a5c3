// npm run torture -- [options]: the long form of the tests here, against real servers. See --help.
import { parseArgs } from 'node:util';
import { sellOut } from './buyers.scenario.ts';
import { findPostmaster, makeDataDirectory, startHoldfast } from './holdfast.ts';
import { freezeServer, holdLevel, holdReservation } from './freeze.scenario.ts';
import { killWorkers } from './jobs.scenario.ts';
import { repeatKeys } from './keys.scenario.ts';
import { killUnderLoad, type Victim } from './kill.scenario.ts';
import { cutAtCommit } from './proxy.scenario.ts';
import { followUnderLoad } from './stream.scenario.ts';
import type { PostgresServer } from './database.ts';
import type { Report } from './scenario.ts';

const HELP = `Faults and crashes under load, each with an independent check of what is left.

npm run torture -- [options]

  --only <names>    of buyers, buyers-two, keys, kill-server, kill-postgres, kill-both, kill-workers, stop,
                    commit, freeze, hold-level, hold-reservation, stream, jobs, jobs-server; by comma (all)
  --rounds <n>      kills of each kind (10)
  --seconds <n>     how long a server is frozen and a row held (30), and connections are cut (60)
  --clients <n>     clients at once (32)
  --runs <n>        runs of jobs (10000), with twice as many kills as rounds
  --seed <n>        the same seed sends the same requests (the time of day)
  --help            this

Exits with 0 where everything held, 1 where something did not, 2 where it could not run.
`;

interface Settings {
  rounds: number;
  freezeMs: number;
  cutSeconds: number;
  clients: number;
  runs: number;
  seed: number;
}

const BUYERS = { buyers: 64, asked: 10_000 };

/** Everything that can be asked for. `postgres` is a PostgreSQL of this run, started for those that need one. */
const SCENARIOS: Record<string, (settings: Settings, postgres: () => Promise<PostgresServer>) => Promise<Report>> = {
  buyers: async (_, postgres) => sellOut({ ...BUYERS, postgres: await postgres(), servers: 1 }),
  'buyers-two': async (_, postgres) => sellOut({ ...BUYERS, postgres: await postgres(), servers: 2 }),
  keys: async (_, postgres) => repeatKeys({ postgres: await postgres(), keys: 1_000 }),
  'kill-server': (settings) => kills(settings, ['server']),
  'kill-postgres': (settings) => kills(settings, ['postmaster', 'backend']),
  'kill-both': (settings) => kills(settings, ['both']),
  'kill-workers': (settings) => kills(settings, ['worker', 'server'], 3),
  stop: (settings) => kills(settings, ['orderly']),
  commit: async ({ cutSeconds, clients, seed }, postgres) =>
    cutAtCommit({ postgres: await postgres(), seconds: cutSeconds, clients, seed }),
  freeze: async ({ freezeMs, seed }, postgres) => freezeServer({ postgres: await postgres(), forMs: freezeMs, seed }),
  'hold-level': async ({ freezeMs, seed }, postgres) =>
    holdLevel({ postgres: await postgres(), forMs: freezeMs, seed }),
  'hold-reservation': async ({ freezeMs, seed }, postgres) =>
    holdReservation({ postgres: await postgres(), forMs: freezeMs, seed }),
  stream: async ({ rounds, clients, seed }, postgres) =>
    followUnderLoad({
      postgres: await postgres(),
      kills: rounds,
      betweenMs: 2_500,
      clients: Math.ceil(clients / 2),
      seed,
      commits: 20_000,
      openForMs: 2_000,
      redisAwayMs: 10_000,
    }),
  jobs: async (settings, postgres) => killWorkers({ ...jobsOf(settings), postgres: await postgres() }),
  'jobs-server': async (settings, postgres) =>
    killWorkers({ ...jobsOf(settings), serverSlots: 4, postgres: await postgres() }),
};

function jobsOf({ runs, rounds, seed }: Settings) {
  return { runs, kills: 2 * rounds, workers: 4, slots: 4, serverSlots: 0, seed, onKill: onWorkerKill };
}

function onWorkerKill(pid: number, finished: number): void {
  console.log(`  ${new Date().toISOString()} ${pid}, after ${finished} runs`);
}

function kills({ rounds, clients, seed }: Settings, kinds: Victim[], workers = 1): Promise<Report> {
  const victims = Array.from({ length: rounds }, () => kinds).flat();
  return killUnderLoad({ victims, betweenMs: 2_500, clients, seed, workers, onKill });
}

function onKill(victim: Victim, requests: number): void {
  console.log(`  ${new Date().toISOString()} ${victim}, after ${requests} requests`);
}

class Misused extends Error {}

function readArguments(): { settings: Settings; names: string[]; help: boolean } {
  const { values } = parseArgs({
    args: process.argv.slice(2).filter((argument) => argument !== '--'),
    options: {
      only: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      clients: { type: 'string' },
      runs: { type: 'string' },
      seed: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const names = values.only?.split(',').map((name) => name.trim()) ?? Object.keys(SCENARIOS);
  const unknown = names.filter((name) => !(name in SCENARIOS));
  if (unknown.length > 0) throw new Misused(`There is no ${unknown.join(', ')}; see --help.`);
  const number = (text: string | undefined, byDefault: number): number => {
    const value = text === undefined ? byDefault : Number(text);
    if (Number.isSafeInteger(value) && value > 0) return value;
    throw new Misused(`${text} is not a number of 1 or more; see --help.`);
  };
  const settings = {
    rounds: number(values.rounds, 10),
    freezeMs: number(values.seconds, 30) * 1_000,
    cutSeconds: number(values.seconds, 60),
    clients: number(values.clients, 32),
    runs: number(values.runs, 10_000),
    seed: number(values.seed, Date.now() % 1_000_000),
  };
  return { settings, names, help: values.help };
}

interface Lent {
  postgres: PostgresServer;
  close: () => Promise<void>;
}

/** A PostgreSQL for the scenarios that bring their own servers: the embedded one of a Holdfast that has nothing to do. */
async function lendPostgres(): Promise<Lent> {
  const data = await makeDataDirectory();
  const holdfast = await startHoldfast({ HOLDFAST_DATA: data.path });
  const { connection: postgres } = await findPostmaster(data.path);
  const close = async (): Promise<void> => {
    await holdfast.stop();
    await data.remove();
  };
  return { postgres, close };
}

async function runAll(settings: Settings, names: string[]): Promise<boolean> {
  let lent: Promise<Lent> | undefined;
  const postgres = async (): Promise<PostgresServer> => (await (lent ??= lendPostgres())).postgres;
  let allHeld = true;
  try {
    for (const name of names) {
      console.log(`\n${name}, seed ${settings.seed}`);
      const startedMs = performance.now();
      const report = await SCENARIOS[name]?.(settings, postgres);
      for (const [fact, value] of Object.entries(report?.facts ?? {})) console.log(`  ${fact}: ${value}`);
      for (const { rule, rows } of report?.faults ?? []) {
        console.log(`  BROKEN ${rule}`);
        for (const row of rows) console.log(`    ${typeof row === 'string' ? row : JSON.stringify(row)}`);
      }
      const holds = report?.faults.length === 0;
      for (const line of (holds ? undefined : report?.log) ?? []) console.log(`  | ${line}`);
      console.log(`  ${holds ? 'held' : 'did not hold'}, ${Math.round((performance.now() - startedMs) / 1_000)} s`);
      allHeld &&= holds;
    }
  } finally {
    await (await lent)?.close();
  }
  return allHeld;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

try {
  const { settings, names, help } = readArguments();
  if (help) console.log(HELP);
  else process.exitCode = (await runAll(settings, names)) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Misused ? error.message : error);
  process.exitCode = 2;
}
