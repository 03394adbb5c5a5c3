import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { ApiClient } from './api.client.ts';
import { checkInvariants, type Fault } from './checker.ts';
import { withClient } from './database.ts';
import { checkEffects } from './effects.ts';
import {
  childrenOf,
  endProcess,
  findPostmaster,
  type Holdfast,
  makeDataDirectory,
  patiently,
  startHoldfast,
} from './holdfast.ts';
import type { Journal } from './journal.ts';
import { seededRandom } from './random.ts';
import { faultUnless, lastLinesOf, type Report } from './scenario.ts';
import { openShop } from './shop.ts';
import { startTraffic, type Traffic } from './traffic.ts';

/** `orderly` is no kill: SIGTERM, as at every deployment. */
export type Victim = 'server' | 'postmaster' | 'backend' | 'both' | 'worker' | 'orderly';

export interface KillOptions {
  /** One kill each, in this order. */
  victims: readonly Victim[];
  /** Under load before each kill: from half of it to one and a half. */
  betweenMs: number;
  clients: number;
  seed: number;
  /** Processes that serve side by side. */
  workers?: number;
  /** Told before each kill. */
  onKill?: (victim: Victim, requests: number) => void;
}

/** "After a kill -9 of anything, the same start on the same data is ready within 20 s." */
const READY_WITHIN_MS = 20_000;
const BACK_WITHIN_MS = READY_WITHIN_MS + 5_000;
/** "Answers outcome_unknown within 5 s"; a busy machine is given a little more. */
const ANSWER_WITHIN_MS = 6_500;

/** A server on a data directory of its own, and what its starts were like. */
interface Ground {
  dataDirectory: string;
  start: () => Promise<Holdfast>;
  server: Holdfast;
  /** What was wrong with how it stopped. */
  faults: Fault[];
  /** Resolves when a server that was killed is back. */
  returns: Promise<void>;
  slowestStartMs: number;
  /** Requests that were under way when something was killed. */
  inFlight: number;
}

/** kill -9 in mid-load, again and again, on one data directory. */
export async function killUnderLoad(options: KillOptions): Promise<Report> {
  const { clients, seed, betweenMs, workers = 1 } = options;
  const data = await makeDataDirectory();
  const start = (): Promise<Holdfast> => startHoldfast({ HOLDFAST_DATA: data.path }, ['--workers', String(workers)]);
  const ground: Ground = {
    dataDirectory: data.path,
    start,
    server: await start(),
    faults: [],
    returns: Promise.resolve(),
    slowestStartMs: 0,
    inFlight: 0,
  };
  const api = new ApiClient(() => ground.server.address, clients);
  let traffic: Traffic | undefined;
  try {
    const shop = await openShop(api, 12, 3, 100);
    traffic = startTraffic({ api, shop, clients, seed, whenBack: () => ground.returns });
    await killOneByOne(ground, traffic.journal, options);
    await delay(betweenMs);
    await traffic.finish();
    return await judge(ground, traffic.journal, options.victims.length);
  } finally {
    await ground.server.stop();
    api.close();
    await data.remove();
    await traffic?.finish();
  }
}

async function killOneByOne(
  ground: Ground,
  journal: Journal,
  { victims, betweenMs, seed, onKill }: KillOptions,
): Promise<void> {
  const random = seededRandom(seed);
  for (const victim of victims) {
    await delay(random.between(betweenMs / 2, betweenMs * 1.5));
    ground.inFlight += journal.count('open');
    onKill?.(victim, journal.entries.length);
    if (victim === 'worker') await killWorker(ground.server);
    if (victim === 'postmaster' || victim === 'backend' || victim === 'both') {
      await patiently(() => killDatabase(ground.dataDirectory, victim));
    }
    if (victim === 'server' || victim === 'both') await ground.server.kill();
    if (victim === 'orderly') ground.faults.push(...(await stopUnderLoad(ground.server, journal)));
    if (victim !== 'server' && victim !== 'both' && victim !== 'orderly') continue;
    const starting = ground.start();
    ground.returns = starting.then(
      () => undefined,
      () => undefined,
    );
    ground.server = await starting;
    ground.slowestStartMs = Math.max(ground.slowestStartMs, ground.server.readyAfterMs);
  }
}

async function judge(ground: Ground, journal: Journal, rounds: number): Promise<Report> {
  const check = async (client: pg.Client): Promise<Fault[]> => [
    ...(await checkEffects(client, journal)),
    ...(await checkInvariants(client)),
  ];
  const faults = await patiently(async () =>
    withClient((await findPostmaster(ground.dataDirectory)).connection, check),
  );
  const { slowestStartMs, inFlight } = ground;
  return {
    faults: [
      ...faults,
      ...ground.faults,
      ...(await stopOrderly(ground.server)),
      ...faultUnless(slowestStartMs < READY_WITHIN_MS, 'ready within 20 s after a kill', slowestStartMs),
      ...faultUnless(journal.slowestMs < ANSWER_WITHIN_MS, 'an answer within 5 s', journal.slowestMs),
      ...faultUnless(journal.longestMs < BACK_WITHIN_MS, 'service is back within 20 s', journal.longestMs),
      ...faultUnless(inFlight > 0, 'the kills met requests in flight, or they prove nothing'),
    ],
    log: lastLinesOf(ground.server.output()),
    facts: {
      rounds,
      acknowledged: journal.count('done'),
      refused: journal.count('refused'),
      inFlight,
      repeated: journal.repeated,
      outcomeUnknown: journal.codes('outcome_unknown'),
      slowestAnswerMs: Math.round(journal.slowestMs),
      longestOutageMs: Math.round(journal.longestMs),
      slowestStartMs: Math.round(slowestStartMs),
    },
  };
}

async function killWorker(server: Holdfast): Promise<void> {
  const worker = (await childrenOf(server.pid)).find(({ command }) => command.includes('packages/server'));
  if (worker === undefined) throw new Error('the server has no workers');
  endProcess(worker.pid, 'SIGKILL');
}

async function killDatabase(dataDirectory: string, victim: Victim): Promise<void> {
  const { pid, connection } = await findPostmaster(dataDirectory);
  if (victim !== 'backend') {
    endProcess(pid, 'SIGKILL');
    return;
  }
  // One session of an engine's lane: PostgreSQL then ends all the others too, and recovers.
  const lanes = `SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'holdfast lane%' ORDER BY pid LIMIT 1`;
  const { rows } = await withClient(connection, (client) => client.query<{ pid: number }>(lanes));
  if (rows[0] === undefined) throw new Error('the server has no session yet');
  endProcess(rows[0].pid, 'SIGKILL');
}

/** What was under way when the signal came is answered. */
async function stopUnderLoad(server: Holdfast, journal: Journal): Promise<Fault[]> {
  const underWay = journal.entries.filter(({ outcome, attempts }) => outcome === 'open' && attempts.length === 0);
  const faults = await stopOrderly(server);
  const unanswered = underWay.filter(({ attempts }) => attempts[0]?.answer === null);
  return [
    ...faults,
    ...faultUnless(
      unanswered.length === 0,
      `what was under way at SIGTERM is answered (${unanswered.length} of ${underWay.length} not)`,
      ...unanswered.slice(0, 3).map(({ call, attempts }) => `${call.path}: ${String(attempts[0]?.failure)}`),
    ),
  ];
}

async function stopOrderly(server: Holdfast): Promise<Fault[]> {
  const startedMs = performance.now();
  const code = await server.stop();
  const tookMs = performance.now() - startedMs;
  return [
    ...faultUnless(code === 0, 'SIGTERM drains and exits 0', { code, tookMs }),
    ...faultUnless(tookMs < 10_000, 'SIGTERM ends it within 10 s', tookMs),
  ];
}
