import { InvalidArgumentError, Option, type Command } from 'commander';
import { writeFile } from 'node:fs/promises';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ExportFormat, ExportRequest } from '../modules/exports/index.ts';
import { parseTimestamp } from '../platform/http/timestamp.format.ts';
import { CommandRefused, EXIT, isPipeClosed } from './command.line.ts';
import { grouped } from './figures.ts';
import { addSettings, commandLog, configOf } from './settings.options.ts';
import { stopSignal } from './stop.signal.ts';
import { openDraft } from './whole.file.ts';

const AFTER_HELP = `
The export is of one instant, however long it takes, and works beside a running server. CSV is safe to open in a
spreadsheet: text that would be run as a formula gets an apostrophe in front, which \`holdfast import\` takes away again.

Exit codes: 0 done; 1 refused (no such product or location); 2 could not run; 64 not called correctly.

Examples:
  $ holdfast export products --out products.csv
  $ holdfast export stock --location WH001 > stock.csv
  $ holdfast export ledger --from 2026-11-01 --to 2026-12-01 --sku SKU-1 --format ndjson
`;

interface ExportFlags {
  format: ExportFormat;
  out?: string;
  archived?: boolean;
  sku?: string;
  location?: string;
  from?: number;
  to?: number;
}

export function register(program: Command): void {
  const group = program
    .command('export')
    .summary('write products, stock or the ledger as CSV or JSON lines')
    .description('Writes products, stock or the ledger as CSV, or as JSON lines.')
    .addHelpText('after', AFTER_HELP);
  const products = group
    .command('products')
    .description('The catalog, by sku.')
    .option('--archived', 'Archived products, too.');
  const stock = group.command('stock').description('The levels, by sku and location.');
  const ledger = group.command('ledger').description('The movements, oldest first.');
  for (const command of [stock, ledger]) {
    command.option('--sku <sku>', 'Only of this product.').option('--location <code>', 'Only at this location.');
  }
  ledger
    .option('--from <time>', 'From this instant on: 2026-11-01, or 2026-11-01T08:00:00Z.', instantOf)
    .option('--to <time>', 'Before this instant.', instantOf);
  for (const command of [products, stock, ledger]) {
    command
      .addOption(new Option('--format <format>', 'What to write.').choices(['csv', 'ndjson']).default('csv'))
      .option('--out <file>', 'Write this file, once all is there. Absent: stdout.');
    addSettings(command);
  }
  products.action((flags: ExportFlags) =>
    run(products, flags, { what: 'products', includeArchived: flags.archived ?? false }),
  );
  stock.action((flags: ExportFlags) => run(stock, flags, { what: 'stock', filter: flags }));
  ledger.action((flags: ExportFlags) => {
    const { from, to } = flags;
    if (from !== undefined && to !== undefined && from >= to) ledger.error('error: --to must be after --from');
    return run(ledger, flags, { what: 'ledger', filter: { ...flags, fromMs: from, toMs: to } });
  });
}

async function run(command: Command, flags: ExportFlags, request: ExportRequest): Promise<void> {
  const config = configOf(command);
  const log = commandLog(command, config);
  const { openInstallation } = await import('./installation.ts');
  const { exportText, ExportRefused } = await import('../modules/exports/index.ts');
  const { startProgress } = await import('./progress.ts');
  const signal = stopSignal();
  const installation = await openInstallation({ config, log, mode: 'attach', poolMax: 2, needsData: true });
  const display = startProgress(`export ${request.what}`, { quiet: flags.out === undefined && process.stdout.isTTY });
  try {
    let count = 0;
    const onRows = (rows: number): void => {
      count += rows;
      display.update(null, `${grouped(count)} rows`);
    };
    const text = exportText({ database: installation.database, request, format: flags.format, onRows, signal });
    await (flags.out === undefined ? toStdout(text, signal) : toFile(text, flags.out, signal));
    display.stop();
    if (flags.out !== undefined) process.stderr.write(`${grouped(count)} rows in ${flags.out}\n`);
  } catch (error) {
    // What was broken off fails in its own way.
    signal.throwIfAborted();
    if (error instanceof ExportRefused) throw new CommandRefused(error.message, EXIT.refused);
    throw error;
  } finally {
    display.stop();
    await installation.close();
  }
}

async function toStdout(text: AsyncGenerator<string, void>, signal: AbortSignal): Promise<void> {
  try {
    await pipeline(Readable.from(text, { objectMode: true, highWaterMark: 1 }), stdoutThatStays(), { signal });
  } catch (error) {
    if (!isPipeClosed(error)) throw error;
  }
}

/** A pipeline ends its last stream: stdout has to stay, for what is still to be said. */
function stdoutThatStays(): Writable {
  return new Writable({
    decodeStrings: false,
    write: (piece: string, _encoding, done) => void process.stdout.write(piece, done),
  });
}

async function toFile(text: AsyncGenerator<string, void>, path: string, signal: AbortSignal): Promise<void> {
  const draft = await openDraft(path);
  try {
    await writeFile(draft.path, text, { signal });
    await draft.keep();
  } finally {
    await draft.drop();
  }
}

const DAY = /^\d{4}-\d\d-\d\d$/;

function instantOf(text: string): number {
  const ms = parseTimestamp(DAY.test(text) ? `${text}T00:00:00Z` : text);
  if (ms === null) throw new InvalidArgumentError('It must be a day or a time, such as 2026-11-01T08:00:00Z.');
  return ms;
}
