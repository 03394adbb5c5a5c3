import { Type, type Static } from 'typebox';
import { SCOPES } from '../../platform/auth/index.ts';
import {
  NewestFirst,
  Nullable,
  PageOf,
  PageQuery,
  Shape,
  label,
  Timestamp,
  Uuid,
  Word,
} from '../../platform/http/schemas.ts';

const Name = label(200, { examples: ['web shop'] });
const ScopeWord = Word(SCOPES, { examples: ['reserve'] });
const Scopes = Type.Array(ScopeWord, {
  minItems: 1,
  maxItems: SCOPES.length,
  uniqueItems: true,
  description: 'What the key may do. reserve and stock have read in them, admin has everything.',
});

export const NewApiKeyBody = Shape(
  {
    name: Name,
    scopes: Scopes,
    expiresAt: Type.Optional(Nullable({ ...Timestamp, description: 'In the future; null or absent: never.' })),
  },
  { title: 'NewApiKey', examples: [{ name: 'web shop', scopes: ['reserve'] }] },
);
export type NewApiKeyBody = Static<typeof NewApiKeyBody>;

const shown = {
  id: Uuid,
  name: Name,
  scopes: Type.Array(ScopeWord),
  prefix: Type.String({ description: 'How the key begins, to tell keys apart.', examples: ['hf_3k9x0q7a'] }),
  expiresAt: Nullable({ ...Timestamp, examples: [null] }),
  createdAt: Timestamp,
  lastUsedAt: Nullable({ ...Timestamp, description: 'To within a minute or so.' }),
};

export const ApiKeySchema = Shape(shown, { title: 'ApiKey' });
export type ApiKeyView = Static<typeof ApiKeySchema>;

export const CreatedApiKeySchema = Shape(
  {
    ...shown,
    key: Nullable(
      Type.String({
        description: 'The secret, shown only here: kept as a hash. null in a replay of this answer.',
        examples: [`hf_3k9x0q7a_${'0'.repeat(50)}`],
      }),
    ),
  },
  { title: 'CreatedApiKey' },
);

export const ApiKeyPage = PageOf(ApiKeySchema);

export const ApiKeyQuery = Shape({
  ...PageQuery,
  sort: NewestFirst,
});
export type ApiKeyQuery = Static<typeof ApiKeyQuery>;

export const ApiKeyPath = Shape({ id: Uuid });
