import { Type, type Static } from 'typebox';
import { Nullable, PageOf, Shape, Timestamp, Uuid, Word } from '../../platform/http/schemas.ts';

export const InstanceSchema = Shape(
  {
    id: Uuid,
    address: Nullable(Type.String({ description: 'Where it listens.', examples: ['http://10.0.0.7:8080'] })),
    host: Type.String({ description: 'The machine, or container, that it runs on.', examples: ['shop-1'] }),
    pid: Type.Integer({ minimum: 1, examples: [4711] }),
    version: Type.String({ examples: ['0.1.0'] }),
    status: Word(['up', 'lost'], { description: 'lost: it has said nothing for 15 s.', examples: ['up'] }),
    signals: Word(['redis', 'postgres', 'nothing'], {
      description: 'What brings it the hints of the others; with nothing it asks the database more often.',
      examples: ['postgres'],
    }),
    startedAt: Timestamp,
    seenAt: Timestamp,
  },
  { title: 'Instance', description: 'A process that serves: with `--workers` each worker is one.' },
);
export type InstanceView = Static<typeof InstanceSchema>;

export const InstancePage = PageOf(InstanceSchema);
