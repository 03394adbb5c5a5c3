import { InvalidArgumentError, Option, type Command } from 'commander';
import type { ImportOptions, ImportReport } from '../modules/imports/index.ts';
import { CommandRefused, EXIT } from './command.line.ts';
import { grouped } from './figures.ts';
import { addSettings, commandLog, configOf } from './settings.options.ts';
import { stopSignal } from './stop.signal.ts';
import { isSameFile, openDraft, type Draft } from './whole.file.ts';

const AFTER_HELP = `
The file is UTF-8 with a header; its delimiter ( , ; tab | ) is found out. Columns are found by their usual names, or
named by --map. Works beside a running server, or starts the embedded database itself.

The same file again goes on where it stopped, and what was done is not done twice. Rows that were refused are tried
again; a corrected file is another file, so import only its corrected rows: --report writes them, ready for that.

Exit codes: 0 all rows are imported; 1 some were refused; 2 could not run; 64 not called correctly.

Examples:
  $ holdfast import products products.csv --dry-run
  $ holdfast import products catalog.csv --map sku=StockCode --map name=Description --update
  $ holdfast import stock delivery.csv --location WH001 --report refused.csv
  $ holdfast import stock count.csv --mode set
`;

interface ImportFlags {
  map: Map<string, string>;
  delimiter?: string;
  decimalComma?: boolean;
  dryRun?: boolean;
  report?: string;
  json?: boolean;
  update?: boolean;
  mode?: 'add' | 'set';
  location?: string;
  force?: boolean;
  again?: string;
}

export function register(program: Command): void {
  const group = program
    .command('import')
    .summary('make products and load stock from a CSV file')
    .description('Makes products, or loads stock, from a CSV file.')
    .addHelpText('after', AFTER_HELP);
  const products = group
    .command('products')
    .description(
      'Fields: sku, name, description, category, unitCost, reorderPoint, reorderQuantity, maxLevel, safetyStock, ' +
        'attributes (JSON). Products that are there already as their rows say are left alone.',
    )
    .argument('<file>', 'The CSV file.')
    .option('--update', 'Change products that exist; an empty cell leaves its field as it is.');
  const stock = group
    .command('stock')
    .description('Fields: sku, location, quantity, unitCost, lot, reason, notes.')
    .argument('<file>', 'The CSV file.')
    .addOption(
      new Option('--mode <mode>', 'add: these units came in. set: these units were counted.')
        .choices(['add', 'set'])
        .default('add'),
    )
    .option('--location <code>', 'The location of a file that has no column for it.')
    .option('--force', 'Counts may go below what is promised.')
    .option('--again <name>', 'Import a file once more, beside what was done before; a name for this time.', nameOf);
  for (const command of [products, stock]) {
    command
      .option('--map <field=column>', 'Which column a field is in; may be repeated.', collectMapping, new Map())
      .option('--delimiter <character>', 'What separates cells, or "tab".', delimiterOf)
      .option('--decimal-comma', 'Numbers are written 12,50.')
      .option('--dry-run', 'Look at every row, tell what would happen, and write nothing.')
      .option('--report <file>', 'Write the rows that were refused to this CSV file, with the reasons.')
      .option('--json', 'Print the result as JSON.');
    addSettings(command);
  }
  products.action((path: string, flags: ImportFlags) => run(products, 'products', path, flags));
  stock.action((path: string, flags: ImportFlags) => run(stock, 'stock', path, flags));
}

async function run(command: Command, kind: 'products' | 'stock', path: string, flags: ImportFlags): Promise<void> {
  const draft = flags.report === undefined ? null : await openReport(flags.report, path);
  try {
    await runImport(command, { kind, path, flags, draft });
  } finally {
    await draft?.drop();
  }
}

interface ImportCall {
  kind: 'products' | 'stock';
  path: string;
  flags: ImportFlags;
  /** Of the report. */
  draft: Draft | null;
}

async function runImport(command: Command, { kind, path, flags, draft }: ImportCall): Promise<void> {
  const config = configOf(command);
  const log = commandLog(command, config);
  const { openInstallation } = await import('./installation.ts');
  const { StockEngine } = await import('../engine/index.ts');
  const { systemClock } = await import('../kernel/clock.ts');
  const imports = await import('../modules/imports/index.ts');
  const { startProgress } = await import('./progress.ts');
  const signal = stopSignal();
  const installation = await openInstallation({ config, log, mode: 'attach', poolMax: 4 });
  const engine = new StockEngine(installation.database, { defaultTtlMs: config.reservationTtlSeconds * 1000 });
  const rejects = draft === null ? null : new imports.RefusedFile(draft.path);
  const display = startProgress(`import ${kind}`);
  try {
    const { map, delimiter, decimalComma, dryRun } = flags;
    const options: ImportOptions = {
      database: installation.database,
      engine,
      clock: systemClock,
      path,
      map,
      ...defined({ delimiter, decimalComma, dryRun }),
      signal,
      onFile: ({ header }) => rejects?.begin(header),
      onRefused: (row) => rejects?.add(row),
      onProgress: ({ fraction, rows, refused }) =>
        display.update(fraction, `${grouped(rows)} rows, ${grouped(refused)} refused`),
    };
    const { mode = 'add', location, force, again } = flags;
    const report =
      kind === 'products'
        ? await imports.importProducts({ ...options, ...defined({ updates: flags.update }) })
        : await imports.importStock({ ...options, mode, ...defined({ location, force, again }) });
    display.stop();
    await rejects?.finish();
    await draft?.keep();
    process.stdout.write(flags.json === true ? `${JSON.stringify(report, null, 2)}\n` : inWords(report, flags.report));
    process.exitCode = report.refused === 0 ? EXIT.ok : EXIT.refused;
  } catch (error) {
    if (error instanceof imports.ImportRefused) throw new CommandRefused(error.message, EXIT.couldNotRun);
    throw error;
  } finally {
    display.stop();
    await rejects?.end();
    await engine.close();
    await installation.close();
  }
}

/** An earlier report stays until there is another. */
async function openReport(report: string, imported: string): Promise<Draft> {
  if (!(await isSameFile(report, imported))) return openDraft(report);
  throw new CommandRefused(`${report} is the file that is imported: the report must be another.`, EXIT.couldNotRun);
}

/** The members that were given: one that is undefined is not the same as one that is absent. */
function defined<Values extends object>(values: Values): { [Name in keyof Values]?: NonNullable<Values[Name]> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Name in keyof Values]?: NonNullable<Values[Name]> };
}

function inWords(report: ImportReport, rejects: string | undefined): string {
  const { kind, dryRun, rows, created, updated, unchanged, doneBefore, refused, units, durationMs } = report;
  const did =
    kind === 'products'
      ? [`${grouped(created)} created`, `${grouped(updated)} updated`]
      : [`${grouped(updated)} adjusted, ${grouped(units)} units`];
  const parts = [...did, `${grouped(unchanged)} unchanged`, `${grouped(refused)} refused`];
  if (doneBefore > 0) parts.push(`${grouped(doneBefore)} of them were done before`);
  const columns = Object.entries(report.columns).map(([field, column]) => `${field}=${column}`);
  const lines = [
    `Columns: ${columns.join(', ')}.`,
    `${dryRun ? 'Nothing was written. It would be: ' : ''}${grouped(rows)} rows: ${parts.join(', ')}. ` +
      `${(durationMs / 1000).toFixed(1)} s.`,
    ...report.firstRefused.map(({ line, code, reason }) => `  line ${line}: ${code}: ${reason}`),
  ];
  const hidden = refused - report.firstRefused.length;
  if (hidden > 0) lines.push(`  … and ${grouped(hidden)} more: --report <file> writes them all.`);
  if (rejects !== undefined && refused > 0) lines.push(`The refused rows are in ${rejects}.`);
  return `${lines.join('\n')}\n`;
}

function collectMapping(text: string, known: Map<string, string>): Map<string, string> {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError('It must be field=column.');
  return new Map([...known, [text.slice(0, at), text.slice(at + 1)]]);
}

function delimiterOf(text: string): string {
  const delimiter = text === 'tab' || text === '\\t' ? '\t' : text;
  if (/^[^"\r\n]$/.test(delimiter)) return delimiter;
  throw new InvalidArgumentError('It must be one character, or "tab".');
}

function nameOf(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be 1 to 64 letters, digits and . _ : -');
}
