import { sql, type Kysely } from 'kysely';
import { textArray, type Tables } from '../../platform/database/index.ts';

/** Names by actor: of people and keys, those that are gone included. */
export async function namesOfActors(
  db: Kysely<Tables>,
  { keys, people }: { keys: readonly string[]; people: readonly string[] },
): Promise<Map<string, string>> {
  const { rows } = await sql<{ actor: string; name: string }>`
    SELECT 'key:' || id AS actor, name FROM api_key WHERE id = ANY(${textArray(keys)}::uuid[])
    UNION ALL
    SELECT 'user:' || id, name FROM person WHERE id = ANY(${textArray(people)}::uuid[])
  `.execute(db);
  return new Map(rows.map(({ actor, name }) => [actor, name]));
}
