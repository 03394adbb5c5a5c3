/** `GET /api/v1/actors`. */
export interface NamedActor {
  actor: string;
  kind: 'person' | 'key' | 'token' | 'open' | 'system' | 'unknown';
  name: string | null;
}

const WORDS: Record<NamedActor['kind'], string> = {
  person: '',
  key: 'key ',
  token: 'token ',
  open: 'the open server',
  system: '',
  unknown: '',
};
export function actorWords({ actor, kind, name }: NamedActor): string {
  return name === null ? shortOf(actor) : `${WORDS[kind]}${name}`;
}

/** `key:…9645b9`: an id says nothing, but its end tells it from others. */
export function shortOf(actor: string): string {
  if (actor === 'open') return WORDS.open;
  const [, kind, end] = /^(user|key):[0-9a-f-]{30}([0-9a-f]{6})$/.exec(actor) ?? [];
  return kind === undefined ? actor : `${kind} …${end}`;
}
