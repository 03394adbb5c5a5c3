import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { getOptions, type Answer } from '../../api/queries.ts';

const EVERY_MS = 4_000;

export type RateStats = Answer<'/api/v1/rate-limits/stats'>;

/** What became of requests, of all rules or of one, asked again every few seconds while it is looked at. */
export function useRateStats(minutes: number, rateLimit?: string): UseQueryResult<RateStats> {
  const query = { minutes, ...(rateLimit === undefined ? {} : { rateLimit }) };
  return useQuery({ ...getOptions('/api/v1/rate-limits/stats', { query }), refetchInterval: EVERY_MS });
}
