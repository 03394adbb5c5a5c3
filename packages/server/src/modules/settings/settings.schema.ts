import { Type, type Static } from 'typebox';
import { Nullable, Shape, Timestamp, Word } from '../../platform/http/schemas.ts';

const SettingSchema = Shape(
  {
    name: Type.String({ description: 'The environment variable.', examples: ['HOLDFAST_CURRENCY'] }),
    flag: Type.String({ description: 'The flag of `holdfast serve`, without dashes.', examples: ['currency'] }),
    description: Type.String({ examples: ['The one currency of unit costs (ISO 4217).'] }),
    value: Nullable(
      Type.String({ description: 'What counts. null: none, or a secret, which is never shown.', examples: ['EUR'] }),
    ),
    default: Nullable(Type.String({ examples: ['EUR'] })),
    source: Word(['flag', 'environment', 'default', 'unset'], {
      description: 'Who said so; of a secret, whether it is there.',
      examples: ['default'],
    }),
    secret: Type.Boolean({ examples: [false] }),
  },
  { title: 'Setting' },
);

export const SettingsSchema = Shape(
  {
    version: Type.String({ description: "Holdfast's.", examples: ['0.1.0'] }),
    nodeVersion: Nullable(Type.String({ description: 'For admins.', examples: ['24.21.0'] })),
    database: Nullable(
      Word(['embedded', 'external'], { description: 'Whose PostgreSQL. For admins.', examples: ['embedded'] }),
    ),
    currency: Type.String({ description: 'The one currency of unit costs.', examples: ['EUR'] }),
    reservationTtlSeconds: Type.Integer({
      description: 'How long a hold lasts where its request does not say.',
      examples: [900],
    }),
    tokens: Type.Boolean({ description: 'Whether tokens of an identity provider are taken.', examples: [false] }),
    paused: Nullable(
      Shape(
        {
          since: Timestamp,
          because: Type.String({ examples: ['restored from a backup of 2026-11-20T11:17:23.400Z'] }),
        },
        {
          title: 'Pause',
          description: 'Nothing is sent to webhooks, and no jobs run, until `holdfast resume`. null: it is not paused.',
        },
      ),
    ),
    settings: Nullable(Type.Array(SettingSchema, { description: 'All of them. For admins; null for others.' })),
  },
  { title: 'Settings' },
);
export type SettingsView = Static<typeof SettingsSchema>;
