import { Type, type Static } from 'typebox';
import { SCOPES } from '../../platform/auth/index.ts';
import { Nullable, PageOf, PageQuery, Shape, text, Timestamp, Uuid, Word } from '../../platform/http/schemas.ts';
import { TypedPassword } from './person.schema.ts';

export const SignInBody = Shape(
  { login: text(200, { examples: ['ada@shop.example'] }), password: TypedPassword },
  { title: 'SignIn' },
);
export type SignInBody = Static<typeof SignInBody>;

export const SessionSchema = Shape(
  {
    authenticated: Type.Boolean({ description: 'Whether the caller is let in.' }),
    mode: Nullable(
      Word(['open', 'key', 'token', 'person'], {
        description:
          'How: the server is open, or by an API key, a token, or as a person who signed in. null: not at all.',
        examples: ['person'],
      }),
    ),
    name: Nullable(
      Type.String({ description: "The person's or the key's name, or the token's sub.", examples: ['Ada Lovelace'] }),
    ),
    personId: Nullable(Uuid),
    scopes: Type.Array(Word(SCOPES, { examples: ['admin'] }), { description: 'With those that others have in them.' }),
    expiresAt: Nullable({
      ...Timestamp,
      description: 'When it ends, if nothing is done before; null where it does not end.',
    }),
    needsAdmin: Type.Boolean({
      description: 'There is neither key nor person yet: whoever sits at this machine may make the first.',
      examples: [false],
    }),
  },
  { title: 'Session' },
);
export type SessionView = Static<typeof SessionSchema>;

export const PersonSessionSchema = Shape(
  {
    id: Uuid,
    current: Type.Boolean({ description: 'It is the one that asks.' }),
    createdAt: Timestamp,
    lastSeenAt: { ...Timestamp, description: 'To within a minute or so.' },
    expiresAt: { ...Timestamp, description: 'If it is not used before.' },
    address: Type.String({ description: 'Where it was signed in from.', examples: ['192.0.2.7'] }),
    userAgent: Nullable(Type.String({ examples: ['Mozilla/5.0 (X11; Linux x86_64) …'] })),
  },
  { title: 'PersonSession' },
);
export type PersonSessionView = Static<typeof PersonSessionSchema>;

export const PersonSessionPage = PageOf(PersonSessionSchema);
export const PersonSessionQuery = Shape({ ...PageQuery });
export type PersonSessionQuery = Static<typeof PersonSessionQuery>;
export const SessionPath = Shape({ id: Uuid });
