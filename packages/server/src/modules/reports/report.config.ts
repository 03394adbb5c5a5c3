import { Type } from 'typebox';
import { LocationCode } from '../../platform/http/schemas.ts';

export const LOCATIONS = Type.Optional(
  Type.Array(LocationCode, {
    minItems: 1,
    maxItems: 1_000,
    uniqueItems: true,
    description: 'Only the levels at these locations. Absent: at all.',
    examples: [['WH001']],
  }),
);
