import type pg from 'pg';
import type { ApiClient } from './api.client.ts';
import type { Fault } from './checker.ts';

/** A run that was asked for and acknowledged: it is to add one unit of this product. */
export interface AskedRun {
  id: string;
  sku: string;
}

/** A process that worked, and what was done to it when. */
export interface GoneWorker {
  pid: number;
  how: 'killed' | 'frozen' | 'stopped';
  atMs: number;
}

export interface SeenRun {
  id: string;
  status: string;
  attempt: number;
  /** Lines of its log that say that the unit was added. */
  lines: number;
}

export interface SeenAttempt {
  runId: string;
  /** In the order of their fences an attempt follows another. */
  fence: number;
  pid: number;
  startedMs: number;
  outcome: string | null;
  /** Why it failed. */
  error: string | null;
}

/** One entry of the ledger, by its reference. */
export interface SeenEffect {
  runId: string;
  sku: string;
  units: number;
}

/** What is left of the runs. */
export interface SeenRuns {
  runs: SeenRun[];
  attempts: SeenAttempt[];
  effects: SeenEffect[];
  /** Units on hand by product. */
  stock: Map<string, number>;
}

/** "A crashed worker's run is taken up again within 30 s." */
const RESCUED_WITHIN_MS = 30_000;
const SHOWN = 5;
const LEDGER_PAGE = 200;

/** Reads the runs' tables by SQL of its own, and stock and ledger as anybody would. */
export async function seeRuns(client: pg.Client, api: ApiClient, skus: readonly string[]): Promise<SeenRuns> {
  const { rows: runs } = await client.query<SeenRun>(
    `SELECT run.id, run.status, run.attempt, count(run_log.*)::int AS lines
     FROM run JOIN job ON job.id = run.job_id
     LEFT JOIN run_log ON run_log.run_id = run.id AND run_log.message LIKE 'one unit of %'
     WHERE job.type = 'add_unit' GROUP BY run.id`,
  );
  const { rows: attempts } = await client.query<SeenAttempt>(
    `SELECT run_id AS "runId", fence::int, split_part(worker, ':', -2)::int AS pid, outcome, error ->> 'message' AS error,
       (extract(epoch FROM started_at) * 1000)::float8 AS "startedMs"
     FROM run_attempt WHERE run_id IN (SELECT run.id FROM run JOIN job ON job.id = run.job_id WHERE job.type = 'add_unit')
     ORDER BY run_id, fence`,
  );
  const stock = new Map<string, number>();
  for (const sku of skus) {
    const { onHand } = await api.must({ method: 'GET', path: `/api/v1/inventory/${sku}/locations/LOC-1` });
    stock.set(sku, Number(onHand));
  }
  return { runs, attempts, effects: await ledgerOf(api), stock };
}

async function ledgerOf(api: ApiClient): Promise<SeenEffect[]> {
  const effects: SeenEffect[] = [];
  let cursor: unknown = null;
  do {
    const after = typeof cursor === 'string' ? `&cursor=${encodeURIComponent(cursor)}` : '';
    const path = `/api/v1/ledger?referenceType=run&limit=${LEDGER_PAGE}${after}`;
    const { items, nextCursor } = await api.must({ method: 'GET', path });
    for (const { sku, deltaOnHand, reference } of items as LedgerItem[]) {
      effects.push({ sku, units: deltaOnHand, runId: reference?.id ?? '' });
    }
    cursor = nextCursor;
  } while (cursor !== null);
  return effects;
}

interface LedgerItem {
  sku: string;
  deltaOnHand: number;
  reference: { id: string } | null;
}

/** Empty: every run was done, each had its effect once, and whoever lost his worker was taken up in time. */
export function checkRuns(asked: readonly AskedRun[], seen: SeenRuns, gone: readonly GoneWorker[]): Fault[] {
  const skuOf = new Map(asked.map(({ id, sku }) => [id, sku]));
  const runOf = new Map(seen.runs.map((run) => [run.id, run]));
  const attemptsOf = byRun(seen.attempts);
  const endsOf = (id: string): (string | null)[] => (attemptsOf.get(id) ?? []).map(({ outcome }) => outcome);
  const failuresOf = (id: string): number => endsOf(id).filter((outcome) => outcome === 'failed').length;
  const wanted = new Map<string, number>();
  for (const { sku } of asked) wanted.set(sku, (wanted.get(sku) ?? 0) + 1);
  const effectsOf = byRun(seen.effects);
  const mayLose = new Set(gone.filter(({ how }) => how !== 'stopped').map(({ pid }) => pid));
  const mayHandOver = new Set(gone.filter(({ how }) => how === 'stopped').map(({ pid }) => pid));
  return [
    ...broken(
      'a run that was acknowledged is there, and no other',
      [...new Set([...skuOf.keys(), ...runOf.keys()])].filter((id) => !skuOf.has(id) || !runOf.has(id)),
    ),
    ...broken(
      'each has succeeded, in its first attempt that counts',
      seen.runs.filter(({ id, status, attempt }) => status !== 'succeeded' || attempt !== 1 + failuresOf(id)),
    ),
    ...broken(
      'the last attempt of each has succeeded, and that one alone',
      seen.runs.filter(
        ({ id }) => endsOf(id).length === 0 || endsOf(id).indexOf('succeeded') !== endsOf(id).length - 1,
      ),
    ),
    ...broken(
      'attempts are lost with killed and frozen workers alone, and handed over by stopped ones alone',
      seen.attempts.filter(({ outcome, pid, error }) => {
        if (outcome === 'lost') return !mayLose.has(pid);
        // A machine that is busy with something else.
        if (outcome === 'failed') return error?.startsWith('it was not loaded within') !== true;
        return outcome === 'handed_over' ? !mayHandOver.has(pid) : outcome !== 'succeeded';
      }),
    ),
    ...broken(
      'each run has its effect exactly once in the ledger',
      asked.filter(({ id, sku }) => {
        const effects = effectsOf.get(id) ?? [];
        return effects.length !== 1 || effects[0]?.sku !== sku || effects[0].units !== 1;
      }),
    ),
    ...broken(
      'no effect is of no run',
      seen.effects.filter(({ runId }) => !skuOf.has(runId)),
    ),
    ...broken(
      'there are as many units of a product as it had runs',
      [...seen.stock].filter(([sku, units]) => units !== (wanted.get(sku) ?? 0)),
    ),
    ...broken(
      'the log of each says so, at most once for each attempt',
      seen.runs.filter(({ id, lines }) => lines < 1 || lines > endsOf(id).length),
    ),
    ...broken(
      'what a worker lost is taken up again within 30 s',
      rescuesOf(seen, gone).filter(({ afterMs }) => !(afterMs <= RESCUED_WITHIN_MS)),
    ),
  ];
}

/** Of each lost attempt: how long after its worker was killed or frozen the next one began; NaN where none did. */
export function rescuesOf(
  { attempts }: Pick<SeenRuns, 'attempts'>,
  gone: readonly GoneWorker[],
): { runId: string; afterMs: number }[] {
  const goneAt = new Map(gone.map(({ pid, atMs }) => [pid, atMs]));
  return [...byRun(attempts)].flatMap(([runId, some]) =>
    some.flatMap(({ outcome, pid }, index) =>
      outcome === 'lost'
        ? [{ runId, afterMs: (some[index + 1]?.startedMs ?? Number.NaN) - (goneAt.get(pid) ?? Number.NaN) }]
        : [],
    ),
  );
}

function byRun<Item extends { runId: string }>(items: readonly Item[]): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(item.runId);
    if (group === undefined) groups.set(item.runId, [item]);
    else group.push(item);
  }
  return groups;
}

function broken(rule: string, rows: readonly unknown[]): Fault[] {
  return rows.length === 0 ? [] : [{ rule: `${rule} (${rows.length} not)`, rows: rows.slice(0, SHOWN) }];
}
