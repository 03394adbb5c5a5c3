import { useQuery } from '@tanstack/react-query';
import { send } from '../api/holdfast.ts';
import { actorWords, shortOf, type NamedActor } from './actor.words.ts';

/** Those that are asked for in one turn go in one request. */
const TOGETHER_MAX = 100;
const NAMES_LAST_MS = 300_000;

/** Who did it, by name: a person, a program's key, or a duty of the server. As the ledger has it until that is known. */
export function Actor({ of }: { of: string }) {
  const isNamed = of.startsWith('user:') || of.startsWith('key:');
  const { data } = useQuery({
    queryKey: ['/api/v1/actors', of],
    queryFn: () => ask(of),
    enabled: isNamed,
    staleTime: NAMES_LAST_MS,
  });
  return <span title={of}>{data == null ? shortOf(of) : actorWords(data)}</span>;
}

let waiting: Map<string, ((actor: NamedActor | null) => void)[]> | null = null;

function ask(actor: string): Promise<NamedActor | null> {
  if (waiting === null || waiting.size >= TOGETHER_MAX) {
    const lot = new Map<string, ((actor: NamedActor | null) => void)[]>();
    waiting = lot;
    setTimeout(() => {
      if (waiting === lot) waiting = null;
      void answer(lot);
    }, 0);
  }
  const lot = waiting;
  return new Promise((resolve) => lot.set(actor, [...(lot.get(actor) ?? []), resolve]));
}

/** A name that cannot be had is no reason for a complaint: the id stands there. */
async function answer(lot: Map<string, ((actor: NamedActor | null) => void)[]>): Promise<void> {
  const found = new Map((await fetchActors([...lot.keys()])).map((one) => [one.actor, one]));
  for (const [actor, resolves] of lot) for (const resolve of resolves) resolve(found.get(actor) ?? null);
}

async function fetchActors(actors: readonly string[]): Promise<NamedActor[]> {
  const url = new URL('/api/v1/actors', location.origin);
  url.searchParams.set('actors', actors.join(','));
  try {
    const response = await send(new Request(url));
    return response.ok ? ((await response.json()) as { items: NamedActor[] }).items : [];
  } catch {
    return [];
  }
}
