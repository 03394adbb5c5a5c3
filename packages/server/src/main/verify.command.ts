import { InvalidArgumentError, type Command } from 'commander';
import type { Difference, VerificationProgress, VerificationReport } from '../modules/verification/index.ts';
import type { Database } from '../platform/database/index.ts';
import { CommandRefused, EXIT } from './command.line.ts';
import { grouped } from './figures.ts';
import { addSettings, commandLog, configOf } from './settings.options.ts';
import { stopSignal } from './stop.signal.ts';

const AFTER_HELP = `
Changes nothing. Works beside a running server under load, or starts the embedded database itself.

Checked: no quantity is negative; onHand, reserved and committed are the sums of the ledger; reserved and committed are
the sums of the open lines; the ledger's balances follow one another; the journal has every ledger entry once;
reservations have the status of their lines; alerts and transfers are what levels and ledger say.

Exit codes: 0 clean; 1 with differences; 2 could not check; 64 not called correctly.

Examples:
  $ holdfast verify
  $ holdfast verify --json --limit 100
  $ DATABASE_URL=postgres://… holdfast verify
`;

const LIMIT_MAX = 100_000;

interface VerifyOptions {
  limit: number;
  json?: boolean;
}

export function register(program: Command): void {
  const command = program
    .command('verify')
    .summary('recompute every level from the ledger and the reservations')
    .description('Recomputes what must always hold from the ledger and the reservations, and tells of differences.')
    .option('--limit <number>', 'How many differences to show; all are counted.', limitOf, 20)
    .option('--json', 'Print the report as JSON.')
    .addHelpText('after', AFTER_HELP)
    .action((options: VerifyOptions) => run(command, options));
  addSettings(command);
}

async function run(command: Command, { limit, json = false }: VerifyOptions): Promise<void> {
  const config = configOf(command);
  const log = commandLog(command, config);
  const { openStore, openDatabase, takeServingRole } = await import('./installation.ts');
  const { pendingMigrations } = await import('../platform/database/index.ts');
  const signal = stopSignal();
  const store = await openStore({ config, log, mode: 'attach', migrates: false, needsData: true });
  try {
    const pending = await pendingMigrations(store.ownerConnection);
    if (pending.length > 0) {
      const detail = `The schema lacks ${pending.join(', ')}: run \`holdfast migrate\` first.`;
      throw new CommandRefused(detail, EXIT.couldNotRun);
    }
    const database = openDatabase({ connection: store.connection, log, poolMax: 2 });
    try {
      await takeServingRole(database, log);
      const report = await verifyWithProgress(database, limit, signal);
      process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : inWords(report));
      process.exitCode = report.clean ? EXIT.ok : EXIT.refused;
    } finally {
      await database.close();
    }
  } finally {
    await store.close();
  }
}

/** Runs the check with a bar on stderr. @throws the reason of the signal */
export async function verifyWithProgress(
  database: Database,
  limit: number,
  signal?: AbortSignal,
): Promise<VerificationReport> {
  const { verify } = await import('../modules/verification/index.ts');
  const { startProgress } = await import('./progress.ts');
  const { systemClock } = await import('../kernel/clock.ts');
  const display = startProgress('verify');
  try {
    const onProgress = (progress: VerificationProgress): void => {
      signal?.throwIfAborted();
      display.update(overall(progress), progress.stage);
    };
    return await verify({ database, clock: systemClock, limit, onProgress });
  } finally {
    display.stop();
  }
}

/** Where each stage begins and ends, in shares of the whole as they were measured. */
const STAGES = { levels: [0, 0.45], journal: [0.45, 0.85], reservations: [0.85, 0.99], transfers: [0.99, 1] } as const;

function overall({ stage, fraction }: VerificationProgress): number {
  const [begin, end] = STAGES[stage];
  return begin + (end - begin) * fraction;
}

/** The report for people. */
export function inWords(report: VerificationReport): string {
  const { checked, differences, differenceCount, durationMs } = report;
  const what = [
    `${grouped(checked.levels)} levels`,
    `${grouped(checked.ledgerEntries)} ledger entries`,
    `${grouped(checked.reservations)} reservations`,
    `${grouped(checked.transfers)} transfers`,
    `${grouped(checked.openAlerts)} open alerts`,
  ].join(', ');
  const head = report.clean
    ? 'Clean'
    : `${grouped(differenceCount)} ${differenceCount === 1 ? 'difference' : 'differences'}`;
  const lines = [`${head}: ${what}, in ${(durationMs / 1000).toFixed(1)} s.`, ...differences.map(line)];
  const hidden = differenceCount - differences.length;
  if (hidden > 0) lines.push(`… and ${grouped(hidden)} more: see --limit.`);
  if (!report.clean) lines.push('What each of them means, and what to do: docs/guides/verify.md');
  return `${lines.join('\n')}\n`;
}

function line({ check, sku, location, subject, detail }: Difference): string {
  const where = [sku, location === null ? null : `at ${location}`, subject].filter((part) => part !== null).join(' ');
  return `  ${check}: ${where === '' ? '' : `${where}: `}${detail}`;
}

function limitOf(text: string): number {
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (limit <= LIMIT_MAX) return limit;
  throw new InvalidArgumentError(`It must be a whole number from 0 to ${LIMIT_MAX}.`);
}
