import { Type, type Static } from 'typebox';
import { Nullable, PageOf, PageQuery, Shape, text, Timestamp, Word } from '../../platform/http/schemas.ts';
import { AUDIT_KINDS } from './audit.sql.ts';

const Kind = Word(AUDIT_KINDS, { examples: ['product.updated'] });

export const AuditEntrySchema = Shape(
  {
    id: Type.Integer({ minimum: 1, examples: [1024] }),
    at: Timestamp,
    kind: Kind,
    actor: Type.String({ description: '`key:<id>`, `user:<sub>`, `open` or `system:<duty>`.', examples: ['open'] }),
    requestId: Nullable(Type.String({ examples: ['7f3k2q-1'] })),
    subject: Type.String({ description: 'The sku, code or id that it was about.', examples: ['SKU-1'] }),
    data: Type.Unsafe<Record<string, unknown> | null>({
      type: ['object', 'null'],
      description: 'The resource as the command left it. Never a secret.',
      additionalProperties: true,
      examples: [{ sku: 'SKU-1', name: 'Mug, blue' }],
    }),
  },
  { title: 'AuditEntry' },
);
export type AuditEntryView = Static<typeof AuditEntrySchema>;

export const AuditPage = PageOf(AuditEntrySchema);

export const AuditQuery = Shape({
  ...PageQuery,
  kind: Type.Optional({ ...Kind, description: 'Only changes of this kind.' }),
  actor: Type.Optional(text(300, { description: 'Only what this actor did.', examples: ['open'] })),
  from: Type.Optional({ ...Timestamp, description: 'From this instant on.' }),
  to: Type.Optional({ ...Timestamp, description: 'Before this instant.' }),
});
export type AuditQuery = Static<typeof AuditQuery>;
