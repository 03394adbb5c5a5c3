import { setTimeout as delay } from 'node:timers/promises';
import { ApiClient } from './api.client.ts';
import { checkInvariants, type Fault } from './checker.ts';
import { makeDatabase, type PostgresServer, withClient } from './database.ts';
import { checkEffects } from './effects.ts';
import { tally } from './fleet.ts';
import { startHoldfast } from './holdfast.ts';
import { CommitProxy, type Cut } from './proxy.ts';
import { seededRandom } from './random.ts';
import { faultUnless, type Report } from './scenario.ts';
import { openShop } from './shop.ts';
import { startTraffic } from './traffic.ts';

export interface CommitCutOptions {
  postgres: PostgresServer;
  seconds: number;
  clients: number;
  seed: number;
}

/** One after the other, and round again: cuts, and for how long the database takes no new connection after each. */
const PLAN: readonly { cut: Cut; awayMs: number }[] = [
  { cut: 'before', awayMs: 0 },
  { cut: 'after', awayMs: 0 },
  { cut: 'answered', awayMs: 0 },
  { cut: 'before', awayMs: 300 },
  { cut: 'after', awayMs: 300 },
  { cut: 'answered', awayMs: 300 },
  // Longer than an answer may take: who asked is told that the outcome is unknown, and who comes then that it is away.
  { cut: 'after', awayMs: 5_500 },
  { cut: 'silent after', awayMs: 0 },
  { cut: 'silent before', awayMs: 0 },
];
const ANSWER_WITHIN_MS = 6_500;
const LONGEST_SECONDS = 60;
/** Between two cuts, in COMMITs, at most. */
const PAUSE_COMMITS = 20;

/** Connections cut at COMMIT, before it arrives and after, while clients hold what they hear against what is there. */
export async function cutAtCommit({ postgres, seconds, clients, seed }: CommitCutOptions): Promise<Report> {
  const random = seededRandom(seed);
  const database = await makeDatabase(postgres);
  const cuts: Cut[] = [];
  let isArmed = false;
  let untilCut = PAUSE_COMMITS;
  const proxy = new CommitProxy({
    upstream: { path: `${postgres.host}/.s.PGSQL.${postgres.port}` },
    onCommit: () => {
      untilCut -= 1;
      if (!isArmed || untilCut > 0) return null;
      untilCut = random.between(1, PAUSE_COMMITS);
      const step = PLAN[cuts.length % PLAN.length];
      if (step === undefined) return null;
      if (step.awayMs > 0) proxy.stayAway(step.awayMs);
      cuts.push(step.cut);
      return step.cut;
    },
  });
  const port = await proxy.listen();
  const server = await startHoldfast({ DATABASE_URL: database.urlThrough({ host: '127.0.0.1', port }) });
  const api = new ApiClient(server.address, clients);
  try {
    const shop = await openShop(api, 12, 3, 200);
    const traffic = startTraffic({ api, shop, clients, seed });
    isArmed = true;
    const startedMs = performance.now();
    const elapsed = (): number => (performance.now() - startedMs) / 1_000;
    // The plan is gone through once, however slow the machine.
    while (elapsed() < seconds || (cuts.length < PLAN.length && elapsed() < LONGEST_SECONDS)) await delay(100);
    isArmed = false;
    await traffic.finish();
    const { journal } = traffic;
    const faults: Fault[] = await withClient(database.connection, async (client) => [
      ...(await checkEffects(client, journal)),
      ...(await checkInvariants(client)),
    ]);
    return {
      faults: [
        ...faults,
        ...faultUnless(journal.slowestMs < ANSWER_WITHIN_MS, 'an answer within 5 s', journal.slowestMs),
        ...faultUnless(cuts.length >= PLAN.length, 'each kind of cut was made', tally(cuts)),
        ...faultUnless(journal.codes('outcome_unknown') > 0, 'somebody was told that the outcome is unknown'),
      ],
      facts: {
        commits: proxy.commits,
        ...tally(cuts),
        acknowledged: journal.count('done'),
        refused: journal.count('refused'),
        repeated: journal.repeated,
        outcomeUnknown: journal.codes('outcome_unknown'),
        databaseUnavailable: journal.codes('database_unavailable'),
        slowestAnswerMs: Math.round(journal.slowestMs),
      },
    };
  } finally {
    api.close();
    await server.stop();
    await proxy.close();
    await database.drop();
  }
}
