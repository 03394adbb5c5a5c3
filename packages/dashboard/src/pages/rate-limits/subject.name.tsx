import { Actor } from '../../ui/actor.tsx';

const ACTORS: Record<string, string> = { api_key: 'key', user: 'user' };

/** Who is counted: keys and people by name, others as they are. */
export function SubjectName({ kind, subject }: { kind: string; subject: string }) {
  const actor = ACTORS[kind];
  if (actor === undefined || !/^[0-9a-f-]{36}$/.test(subject)) return <>{subject}</>;
  return <Actor of={`${actor}:${subject}`} />;
}
