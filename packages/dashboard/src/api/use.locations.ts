import { useQuery } from '@tanstack/react-query';
import { ALL_LOCATIONS, type Location } from './all.locations.ts';
import { get } from './queries.ts';

const PAGE_SIZE = 200;
/** A choice of more is none. */
const PAGES_MAX = 25;

/** All locations, to choose from; none while they are on their way. */
export function useLocations(options: { enabled?: boolean } = {}): readonly Location[] {
  const { data } = useQuery({
    queryKey: ALL_LOCATIONS,
    queryFn: ({ signal }) => loadLocations(signal),
    ...options,
  });
  return data ?? NONE;
}

/** To choose from, with the one that is chosen also while they are on their way: else it would not be shown, nor sent. */
export function choicesOf(locations: readonly Location[], chosen: string | null): { value: string; label: string }[] {
  const choices = locations.map(({ code, name }) => ({ value: code, label: `${code} · ${name}` }));
  const isMissing = chosen !== null && locations.every(({ code }) => code !== chosen);
  return isMissing ? [{ value: chosen, label: chosen }, ...choices] : choices;
}

const NONE: readonly Location[] = [];

async function loadLocations(signal: AbortSignal): Promise<Location[]> {
  const all: Location[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const query: { limit: number; cursor?: string } = { limit: PAGE_SIZE, ...(cursor === null ? {} : { cursor }) };
    const answer: { items: Location[]; nextCursor: string | null } = await get('/api/v1/locations', { query }, signal);
    all.push(...answer.items);
    cursor = answer.nextCursor;
    if (cursor === null) break;
  }
  return all;
}
