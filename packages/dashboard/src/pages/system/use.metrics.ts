import { useEffect, useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { send } from '../../api/holdfast.ts';
import { meanOf, parseMetrics, rateOf, sumOf, type Sample } from './metrics.text.ts';

const EVERY_MS = 3_000;
const KEPT = 200;

interface Reading {
  atMs: number;
  samples: readonly Sample[];
}

/** What the page shows of the time between two readings. */
export interface Moment {
  atMs: number;
  requests: number | null;
  movements: number | null;
  commandsPerBatch: number | null;
  batchMs: number | null;
  loopMs: number | null;
}

export interface Metrics {
  latest: readonly Sample[];
  course: readonly Moment[];
  error: Error | null;
}

async function read(signal: AbortSignal): Promise<Reading> {
  const answer = await send(new Request(`${location.origin}/metrics`, { signal }));
  if (!answer.ok) throw new Error(`The metrics were refused (${answer.status}).`);
  return { atMs: Date.now(), samples: parseMetrics(await answer.text()) };
}

/** The metrics of the instance that serves this page, read every few seconds while it is open. */
export function useMetrics(): Metrics {
  const query = useQuery({ queryKey: ['/metrics'], queryFn: ({ signal }) => read(signal), refetchInterval: EVERY_MS });
  const [readings, setReadings] = useState<readonly Reading[]>([]);
  const { data } = query;
  useEffect(() => {
    if (data !== undefined) setReadings((known) => [...known, data].slice(-KEPT));
  }, [data]);
  const course = readings.slice(1).map((reading, index) => momentOf(readings[index] as Reading, reading));
  return { latest: data?.samples ?? [], course, error: query.error };
}

function momentOf(before: Reading, after: Reading): Moment {
  const seconds = (after.atMs - before.atMs) / 1_000;
  const rate = (name: string): number | null =>
    rateOf(sumOf(before.samples, name), sumOf(after.samples, name), seconds);
  const batchSeconds = meanOf(before.samples, after.samples, 'holdfast_batch_duration_seconds');
  const loopSeconds = sumOf(after.samples, 'nodejs_eventloop_lag_p99_seconds');
  return {
    atMs: after.atMs,
    requests: rate('http_request_duration_seconds_count'),
    movements: rate('inventory_movements_total'),
    commandsPerBatch: meanOf(before.samples, after.samples, 'holdfast_batch_commands'),
    batchMs: batchSeconds === null ? null : batchSeconds * 1_000,
    loopMs: loopSeconds === null ? null : loopSeconds * 1_000,
  };
}
