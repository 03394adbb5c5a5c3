import { Type, type Static } from 'typebox';
import { Shape, Whole } from '../../platform/http/index.ts';

export const RetentionConfig = Shape({
  resolvedAlertsDays: Type.Optional(
    Whole(1, 3_650, {
      description: 'Alerts that were resolved longer ago than this. They are kept for ever otherwise.',
      examples: [365],
    }),
  ),
  endedSessionsDays: Type.Optional(
    Whole(1, 43, {
      description:
        'Sessions of people that ended longer ago than this, with the addresses and browsers that they were used from. By themselves they go 44 days after the sign-in.',
      examples: [14],
    }),
  ),
  webhookDeliveriesDays: Type.Optional(
    Whole(1, 29, {
      description:
        'Deliveries to webhooks that came to an end longer ago than this. By themselves delivered ones go after 3 days, others after 30.',
      examples: [7],
    }),
  ),
  dryRun: Type.Optional(Type.Boolean({ default: false, description: 'Counts what would go, and deletes nothing.' })),
});
export type RetentionConfig = Static<typeof RetentionConfig>;
