import type { ProblemKind } from '../../kernel/problem.ts';

export const webhookProblems = {
  webhookNotFound: { code: 'webhook_not_found', status: 404, title: 'There is no such webhook' },
  webhookDisabled: { code: 'webhook_disabled', status: 409, title: 'The webhook is disabled' },
  tooManyWebhooks: { code: 'too_many_webhooks', status: 409, title: 'There are as many webhooks as there may be' },
  tooManyDeliveries: { code: 'too_many_deliveries', status: 409, title: 'Too many deliveries wait already' },
} as const satisfies Record<string, ProblemKind>;
