import { join } from 'node:path';
import { Type, type Static } from 'typebox';
import type { Engine } from '../../engine/index.ts';
import type { Clock } from '../../kernel/clock.ts';
import { validationFailed } from '../../kernel/problem.ts';
import type { Database } from '../../platform/database/index.ts';
import type { Egress } from '../../platform/egress/index.ts';
import { text, Whole } from '../../platform/http/schemas.ts';
import { PermanentError, type RunContext } from '../../platform/jobs/index.ts';
import type { Field } from './column.mapping.ts';
import type { CsvFile } from './csv.file.ts';
import { ImportRefused, type RefusedRow } from './import.refused.ts';
import type { ImportReport } from './import.report.ts';
import type { ImportOptions } from './import.service.ts';
import { ImportSource, nameOf, withDirectory, writeSource } from './import.source.ts';
import { JOB_CONFIG } from './import.wording.ts';
import { RefusedFile } from './refused.file.ts';

export interface ImportJobDeps {
  database: Database;
  engine: Engine;
  egress: Egress;
  clock: Clock;
  /** Where a run's files are while it works; absent: the system's own place for such things. */
  temporaryDirectory?: string;
}

const MIB = 1_048_576;
/** A file is fetched into memory before it is written. */
const MAX_MIB = 64;
const MAX_MIB_DEFAULT = 16;
const LOGGED_MAX = 1_000;
export const REFUSED_FILE = 'refused.csv';

/** What the config of every import has. */
export const IMPORT_CONFIG = {
  source: ImportSource,
  delimiter: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1,
      pattern: '^[^"\\r\\n\\u0000]$',
      description: 'What separates cells. Absent: found out, of , ; tab and |.',
      examples: [';'],
      'x-message': 'must be one character, and no quote or line break',
    }),
  ),
  decimalComma: Type.Boolean({ default: false, description: 'Numbers are written 12,50.' }),
  dryRun: Type.Boolean({
    default: false,
    description: 'Look at every row, tell what would happen, and write nothing.',
  }),
  maxMiB: Whole(1, MAX_MIB, { default: MAX_MIB_DEFAULT, description: 'A file of a url may be so large.' }),
  timeoutSeconds: Whole(1, 600, { default: 60, description: 'The whole file of a url must come within that time.' }),
};

/** Column names by field, as a config has them. */
export function columnsOf(fields: readonly Field[]) {
  const column = Type.Optional(text(200, { description: 'The column, as the header has it.' }));
  return Type.Optional(
    Type.Object(Object.fromEntries(fields.map(({ name }) => [name, column])), {
      additionalProperties: false,
      description: 'Which column a field is in, where the header does not say.',
    }),
  );
}

type ImportConfig = Static<ReturnType<typeof importConfig>>;
function importConfig() {
  return Type.Object({ ...IMPORT_CONFIG, columns: columnsOf([]) });
}

/** @throws Problem `validation_failed` where two fields are to come from one column */
export function checkColumns(columns: object | undefined): void {
  const taken = new Set<unknown>();
  for (const [field, column] of Object.entries(columns ?? {})) {
    if (taken.has(column)) {
      throw validationFailed([{ path: `/config/columns/${field}`, message: 'must be a column of its own' }]);
    }
    taken.add(column);
  }
}

export interface ImportResult extends ImportReport {
  /** Of the run. */
  files: string[];
}

/**
 * An import as a run: its source is fetched into a file that is gone afterwards, refused rows go to the log and to a file
 * of the run, and an abort stops it between two chunks.
 */
export function runImport(
  context: RunContext<ImportConfig>,
  deps: ImportJobDeps,
  work: (options: ImportOptions) => Promise<ImportReport>,
): Promise<ImportResult> {
  const { config, signal } = context;
  return withDirectory(deps.temporaryDirectory, async (directory) => {
    const path = join(directory, 'source.csv');
    context.progress(null, config.source.url === undefined ? 'reading' : 'fetching');
    const limits = { maxBytes: config.maxMiB * MIB, timeoutMs: config.timeoutSeconds * 1000 };
    await writeSource(config.source, path, { ...limits, egress: deps.egress, signal });
    context.progress(null, 'reading');
    const refused = new RefusedFile(join(directory, REFUSED_FILE));
    try {
      const report = await work({ ...optionsOf(context, deps, refused), path });
      return { ...report, files: await keepRefused(context, report, refused) };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ImportRefused) throw new PermanentError(error.message);
      throw error;
    } finally {
      await refused.end();
    }
  });
}

function optionsOf(
  context: RunContext<ImportConfig>,
  { database, engine, clock }: ImportJobDeps,
  refused: RefusedFile,
): Omit<ImportOptions, 'path'> {
  const { source, columns = {}, delimiter, decimalComma, dryRun } = context.config;
  return {
    database,
    engine,
    clock,
    name: nameOf(source),
    meta: context.meta('import'),
    wording: JOB_CONFIG,
    map: new Map(Object.entries(columns as Record<string, string>)),
    ...(delimiter === undefined ? {} : { delimiter }),
    decimalComma,
    dryRun,
    signal: context.signal,
    onFile: (file: CsvFile) => refused.begin(file.header),
    onRefused: logRefused(context, refused),
    onProgress: ({ fraction, rows, refused: count }) =>
      context.progress(Math.floor(fraction * 1_000) / 10, `${rows} rows, ${count} refused`),
  };
}

function logRefused(context: RunContext, file: RefusedFile): (row: RefusedRow) => void {
  let count = 0;
  return (row) => {
    count += 1;
    file.add(row);
    if (count <= LOGGED_MAX) context.log('warn', `line ${row.line}: ${row.code}: ${row.reason}`);
    if (count === LOGGED_MAX) context.log('warn', `Further refused rows are in ${REFUSED_FILE} only.`);
  };
}

async function keepRefused(context: RunContext, report: ImportReport, refused: RefusedFile): Promise<string[]> {
  if (report.refused === 0) return [];
  const { name } = await context.writeFile({ name: REFUSED_FILE, mediaType: 'text/csv' }, await refused.read());
  return [name];
}
