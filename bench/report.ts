import type { LoadResult } from './load.ts';
import { POOL_SIZES, type Scenario, usualName } from './scenarios.ts';
import type { Spread } from './traffic.ts';

/** One round of one scenario. */
export interface Measurement {
  load: LoadResult;
  /** Processor time per operation; the bare Fastify's is not taken, the database's is known on Linux only. */
  serverCpuUs: number | undefined;
  databaseCpuUs: number | undefined;
  /** The share of the machine that other processes took, 0 to 1; undefined where the system does not tell. */
  othersShare: number | undefined;
}

/** The medians over the rounds. */
export interface Row {
  name: string;
  title: string;
  rounds: number;
  operationsPerSecond: number;
  callsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** The lowest and the highest of the rounds, which say how steady the machine was. */
  slowest: number;
  fastest: number;
  serverCpuUs: number | undefined;
  databaseCpuUs: number | undefined;
  othersShare: number | undefined;
}

export interface Target {
  text: string;
  /** Undefined where a part of it was not measured. */
  value: number | undefined;
  comparison: 'at least' | 'below';
  bound: number;
  unit: string;
}

export interface Extras {
  startMs: number | undefined;
  rssMb: number;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2;
}

function medianOfKnown(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : median(known);
}

export function rowOf(scenario: Scenario, rounds: readonly Measurement[]): Row {
  const of = (read: (round: Measurement) => number): number[] => rounds.map((round) => read(round));
  const rates = of((round) => round.load.operationsPerSecond);
  return {
    name: scenario.name,
    title: scenario.title,
    rounds: rounds.length,
    operationsPerSecond: median(rates),
    callsPerSecond: median(of((round) => round.load.callsPerSecond)),
    p50Ms: median(of((round) => round.load.latency.p50Ms)),
    p99Ms: median(of((round) => round.load.latency.p99Ms)),
    slowest: Math.min(...rates),
    fastest: Math.max(...rates),
    serverCpuUs: medianOfKnown(rounds.map((round) => round.serverCpuUs)),
    databaseCpuUs: medianOfKnown(rounds.map((round) => round.databaseCpuUs)),
    othersShare: medianOfKnown(rounds.map((round) => round.othersShare)),
  };
}

function atLeast(text: string, over: number | undefined, under: number | undefined, bound: number): Target {
  const value = over === undefined || under === undefined ? undefined : over / under;
  return { text, value, comparison: 'at least', bound, unit: '' };
}

function below(text: string, value: number | undefined, bound: number, unit: string): Target {
  return { text, value, comparison: 'below', bound, unit };
}

/** What Holdfast holds itself to, judged by the medians. */
export function targetsOf(rows: readonly Row[], { startMs, rssMb }: Extras): Target[] {
  const rate = (name: string): number | undefined => rows.find((row) => row.name === name)?.operationsPerSecond;
  const p99 = (name: string): number | undefined => rows.find((row) => row.name === name)?.p99Ms;
  const usualBest = (spread: Spread): number | undefined =>
    highest(POOL_SIZES.map((size) => rate(usualName(spread, size))));
  return [
    atLeast('reserve, spread (c) ÷ the usual way, spread (b)', rate('c-spread'), usualBest('spread'), 6),
    atLeast('reserve, one hot level (c) ÷ the usual way, hot (b)', rate('c-hot'), usualBest('hot'), 15),
    atLeast('reserve, one hot level (c) ÷ spread (c)', rate('c-hot'), rate('c-spread'), 0.9),
    atLeast('reserve, spread (c) ÷ no-op, same app (a)', rate('c-spread'), rate('a-app'), 0.45),
    atLeast('reserve, spread (c) ÷ no-op, bare Fastify (a)', rate('c-spread'), rate('a-bare'), 0.36),
    below('p99 of reserve (c), the worst spread', highest(['c-spread', 'c-zipf', 'c-hot'].map(p99)), 50, ' ms'),
    atLeast('reads (e) ÷ no-op, same app (a)', rate('e-read'), rate('a-app'), 0.6),
    below('p99 of reads (e)', p99('e-read'), 20, ' ms'),
    atLeast('reservations in batches (f) ÷ reserve, spread (c)', rate('f-batch'), rate('c-spread'), 2),
    below('npm start to ready, fresh data', startMs === undefined ? undefined : startMs / 1000, 3, ' s'),
    below('memory of the server process after all this', rssMb, 300, ' MB'),
  ];
}

export function isMet({ value, comparison, bound }: Target): boolean | undefined {
  if (value === undefined) return undefined;
  return comparison === 'at least' ? value >= bound : value < bound;
}

function highest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

const whole = (value: number | undefined): string =>
  value === undefined ? '' : Math.round(value).toLocaleString('en');

export function renderRows(rows: readonly Row[]): string {
  const noop = rows.find((row) => row.name === 'a-app')?.operationsPerSecond;
  const cells = rows.map((row) => [
    row.name,
    row.title,
    whole(row.operationsPerSecond),
    `${whole(row.slowest)} to ${whole(row.fastest)}`,
    row.p50Ms.toFixed(1),
    row.p99Ms.toFixed(1),
    noop === undefined ? '' : (row.operationsPerSecond / noop).toFixed(2),
    whole(row.serverCpuUs),
    whole(row.databaseCpuUs),
    row.othersShare === undefined ? '' : `${whole(row.othersShare * 100)}%`,
  ]);
  const head = [
    '',
    'scenario',
    'ops/s',
    'rounds',
    'p50 ms',
    'p99 ms',
    '÷ (a)',
    'server µs/op',
    'database µs/op',
    'others',
  ];
  return renderTable(head, cells);
}

export function renderTargets(targets: readonly Target[]): string {
  const cells = targets.map((target) => {
    const met = isMet(target);
    const shown = target.value === undefined ? '' : `${target.value.toFixed(2)}${target.unit}`;
    const verdict = met === undefined ? 'not measured' : met ? 'pass' : 'FAIL';
    return [target.text, shown, `${target.comparison} ${target.bound}${target.unit}`, verdict];
  });
  return renderTable(['target', 'measured', 'wanted', ''], cells);
}

/** A Markdown table that also reads as plain text. */
function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
