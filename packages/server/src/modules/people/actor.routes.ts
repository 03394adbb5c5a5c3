import { Type, type Static } from 'typebox';
import { UUID_PATTERN } from '../../kernel/ids.ts';
import { validationFailed } from '../../kernel/problem.ts';
import type { Database } from '../../platform/database/index.ts';
import type { Routes } from '../../platform/http/index.ts';
import { Nullable, Shape, Word } from '../../platform/http/schemas.ts';
import { namesOfActors } from './actor.sql.ts';

const ACTORS_MAX = 200;
const UUID = new RegExp(UUID_PATTERN);

const ActorQuery = Shape({
  actors: Type.String({
    minLength: 1,
    maxLength: 12_000,
    description: `As ledger and audit show them, by comma, up to ${ACTORS_MAX}.`,
    examples: ['user:0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b,system:expiry'],
  }),
});

const ActorSchema = Shape(
  {
    actor: Type.String({ examples: ['user:0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b'] }),
    kind: Word(['person', 'key', 'token', 'open', 'system', 'unknown'], { examples: ['person'] }),
    name: Nullable(
      Type.String({
        description: "The person's, the key's, the token's sub or the duty's; null where there is none.",
        examples: ['Ada Lovelace'],
      }),
    ),
  },
  { title: 'Actor' },
);
type ActorView = Static<typeof ActorSchema>;

/** Who somebody is that ledger, audit and alerts name by an id: for all who may read those. */
export function actorRoutes({ database }: { database: Database }): Routes {
  return (app) => {
    app.route({
      method: 'GET',
      url: '/actors',
      config: { scope: 'read' },
      schema: {
        tags: ['People'],
        operationId: 'listActors',
        summary: 'Names of actors',
        description: 'Of people and keys too that were removed or revoked. In the order in which they were asked for.',
        querystring: ActorQuery,
        response: { 200: Shape({ items: Type.Array(ActorSchema) }) },
      },
      handler: async (request) => ({ items: await describeActors(database, request.query.actors.split(',')) }),
    });
  };
}

/** @throws Problem `validation_failed` for too many */
async function describeActors(database: Database, actors: readonly string[]): Promise<ActorView[]> {
  if (actors.length > ACTORS_MAX) {
    throw validationFailed([{ path: 'actors', message: `must name ${ACTORS_MAX} actors or fewer` }]);
  }
  const idsOf = (prefix: string): string[] =>
    actors.flatMap((actor) => {
      const id = actor.startsWith(prefix) ? actor.slice(prefix.length) : '';
      return UUID.test(id) ? [id] : [];
    });
  const names = await namesOfActors(database.kysely, { keys: idsOf('key:'), people: idsOf('user:') });
  return actors.map((actor) => describeActor(actor, names.get(actor) ?? null));
}

function describeActor(actor: string, name: string | null): ActorView {
  const [prefix = '', ...rest] = actor.split(':');
  if (prefix === 'key') return { actor, kind: 'key', name };
  if (prefix === 'user') return { actor, kind: name === null ? 'token' : 'person', name: name ?? rest.join(':') };
  if (prefix === 'system') return { actor, kind: 'system', name: rest.join(':') };
  return { actor, kind: actor === 'open' ? 'open' : 'unknown', name: null };
}
