import { Type, type Static } from 'typebox';
import { SCOPES } from '../../platform/auth/index.ts';
import {
  NewestFirst,
  Nullable,
  PageOf,
  PageQuery,
  Shape,
  label,
  text,
  Timestamp,
  Uuid,
  Version,
  Word,
} from '../../platform/http/schemas.ts';
import { PASSWORD_MAX, PASSWORD_MIN } from './password.rules.ts';

const LOGIN_PATTERN = String.raw`^[^\s\p{C}]{1,200}$`;

/** For who asks otherwise than over HTTP. */
export function isLogin(login: string): boolean {
  return new RegExp(LOGIN_PATTERN, 'u').test(login);
}

const Login = Type.String({
  pattern: LOGIN_PATTERN,
  maxLength: 200,
  description: 'An e-mail address or a name to sign in with. Unique, whatever the case.',
  examples: ['ada@shop.example'],
  'x-message': 'must be 1 to 200 characters without blanks',
});

const PersonName = label(200, { description: 'As ledger and audit show it.', examples: ['Ada Lovelace'] });
const ScopeWord = Word(SCOPES, { examples: ['stock'] });

const NewScopes = Type.Array(ScopeWord, {
  minItems: 1,
  maxItems: SCOPES.length,
  uniqueItems: true,
  description: 'What the person may do. reserve and stock have read in them, admin has everything.',
});

export const NewPassword = Type.String({
  minLength: 1,
  maxLength: PASSWORD_MAX,
  description: `${PASSWORD_MIN} to ${PASSWORD_MAX} characters, any of them; no common password, and not the owner's name.`,
  examples: ['three tired herons by the canal'],
});

/** Whatever was typed. */
export const TypedPassword = text(PASSWORD_MAX, { examples: ['three tired herons by the canal'] });

export const NewPersonBody = Shape(
  { login: Login, name: PersonName, scopes: NewScopes, password: NewPassword },
  { title: 'NewPerson' },
);
export type NewPersonBody = Static<typeof NewPersonBody>;

export const PersonPatchBody = Shape(
  {
    login: Type.Optional(Login),
    name: Type.Optional(PersonName),
    scopes: Type.Optional(NewScopes),
    disabled: Type.Optional(
      Type.Boolean({ description: 'true: may not sign in, and all sessions end; false: may again.', examples: [true] }),
    ),
  },
  { title: 'PersonPatch' },
);
export type PersonPatchBody = Static<typeof PersonPatchBody>;

export const PersonPasswordBody = Shape(
  {
    password: NewPassword,
    currentPassword: Type.Optional({
      ...TypedPassword,
      description: "Needed for one's own; an admin sets another's without.",
    }),
  },
  { title: 'PersonPassword' },
);
export type PersonPasswordBody = Static<typeof PersonPasswordBody>;

export const PersonSchema = Shape(
  {
    id: Uuid,
    login: Login,
    name: PersonName,
    scopes: Type.Array(ScopeWord),
    createdAt: Timestamp,
    lastSignInAt: Nullable(Timestamp),
    disabledAt: Nullable({ ...Timestamp, examples: [null] }),
    removedAt: Nullable({ ...Timestamp, examples: [null] }),
    version: Version,
  },
  { title: 'Person' },
);
export type PersonView = Static<typeof PersonSchema>;

export const PersonPage = PageOf(PersonSchema);

export const PersonQuery = Shape({
  ...PageQuery,
  sort: NewestFirst,
});
export type PersonQuery = Static<typeof PersonQuery>;

export const PersonPath = Shape({ id: Uuid });
