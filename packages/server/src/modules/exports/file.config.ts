import { Type } from 'typebox';
import { Word } from '../../platform/http/schemas.ts';

/** How the file of an export is to be. */
export const FILE_CONFIG = {
  format: Word(['csv', 'ndjson'], {
    default: 'csv',
    description: 'csv, safe to open in a spreadsheet, or ndjson: a JSON object per line, as the API shows it.',
  }),
  gzip: Type.Boolean({ default: false, description: 'Pack the file by gzip.' }),
};
