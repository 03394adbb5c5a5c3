import { Type, type Static } from 'typebox';
import { TARGET_MAX_LENGTH } from '../../platform/egress/index.ts';
import { Shape, text, Whole, Word } from '../../platform/http/index.ts';

export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
const HEADERS_MAX = 50;
const HEADER_MAX_LENGTH = 4_096;
const STATUSES_MAX = 50;

/** RFC 9110, 5.6.2: a token. */
const HEADER_NAME = "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$";
/** RFC 9110, 5.5: visible ASCII, blanks within. Neither a line break, which would begin another header, nor NUL. */
const HEADER_VALUE = '^(?:[\\x21-\\x7e](?:[\\x20-\\x7e\\t]*[\\x21-\\x7e])?)?$';

const Headers = Type.Unsafe<Record<string, string>>({
  type: 'object',
  maxProperties: HEADERS_MAX,
  propertyNames: { type: 'string', pattern: HEADER_NAME },
  additionalProperties: {
    type: 'string',
    maxLength: HEADER_MAX_LENGTH,
    pattern: HEADER_VALUE,
    'x-message': 'must be visible ASCII characters, on one line',
  },
  description:
    'Further headers. Those that say where a message goes and where it ends are not yours to set, and `authorization` has a member of its own.',
  examples: [{ 'x-shop': 'berlin' }],
});

const Success = Shape(
  {
    status: Type.Optional(
      Type.Array(
        Type.String({
          pattern: '^[1-5]\\d{2}(?:-[1-5]\\d{2})?$',
          'x-message': 'must be a status such as 200, or a range such as 200-299',
        }),
        {
          minItems: 1,
          maxItems: STATUSES_MAX,
          default: ['200-299'],
          description: 'Statuses and ranges of them that count as success.',
        },
      ),
    ),
    json: Type.Optional(
      Shape(
        {
          path: text(500, {
            description:
              'One value of the answer: `$.state`, `$.items[0].id`, `$["a b"]`, `$[-1]`. RFC 9535 without wildcards, slices and filters.',
            examples: ['$.state'],
          }),
          equals: Type.Optional(Type.Unsafe<unknown>({ description: 'JSON that the value must be equal to.' })),
          exists: Type.Optional(
            Type.Boolean({ description: 'Whether there must be a value, or must be none. `null` is a value.' }),
          ),
        },
        { description: 'What the answer must say as well. With neither `equals` nor `exists` the value must exist.' },
      ),
    ),
  },
  { description: 'What counts as success. Absent: any 2xx.' },
);
export type SuccessRule = Static<typeof Success>;

export const RequestConfig = Shape({
  url: text(TARGET_MAX_LENGTH, {
    description: 'http or https. Private addresses are refused unless an operator allows them.',
    examples: ['https://shop.example.com/hooks/nightly'],
  }),
  method: Type.Optional(Word(METHODS, { default: 'POST', description: 'Of the request.' })),
  headers: Type.Optional(Headers),
  authorization: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: HEADER_MAX_LENGTH,
      pattern: HEADER_VALUE,
      writeOnly: true,
      description: 'The `authorization` header. Never shown again.',
      examples: ['Bearer 7f3k2q'],
      'x-message': 'must be visible ASCII characters, on one line',
    }),
  ),
  body: Type.Optional(
    Type.Unsafe<unknown>({
      description: 'Text is sent as it is, as text/plain; any other JSON value as application/json.',
      examples: [{ report: 'nightly' }],
    }),
  ),
  signingSecret: Type.Optional(
    Type.String({
      pattern: '^whsec_[A-Za-z0-9+/]{32,88}={0,2}$',
      maxLength: 100,
      writeOnly: true,
      description: 'Signs the request as webhooks are signed: whsec_ and 24 to 64 bytes in Base64. Never shown again.',
      'x-message': 'must be whsec_ and 24 to 64 bytes in Base64',
    }),
  ),
  timeoutMs: Type.Optional(
    Whole(100, 300_000, { default: 30_000, description: 'How long an answer may take, to its last byte.' }),
  ),
  success: Type.Optional(Success),
});
export type RequestConfig = Static<typeof RequestConfig>;
