import type { Command } from 'commander';
import { addSettings, commandLog, configOf } from './settings.options.ts';
import { stopSignal } from './stop.signal.ts';

const AFTER_HELP = `
Safe from any number of machines at once: one migrates, the others wait and find nothing to do. \`serve\` does the same
at its start; run this before it where the serving user does not own the schema.

Exit codes: 0 the schema is up to date, or was listed; 2 could not run; 64 not called correctly.

Examples:
  $ DATABASE_URL=postgres://… holdfast migrate --dry-run
  $ DATABASE_MIGRATE_URL=postgres://owner@… DATABASE_URL=postgres://app@… holdfast migrate
`;

export function register(program: Command): void {
  const command = program
    .command('migrate')
    .summary("bring the database's schema up to date")
    .description("Brings the database's schema up to date.")
    .option('--dry-run', 'List the migrations that the database does not have yet, one per line, and change nothing.')
    .addHelpText('after', AFTER_HELP)
    .action(() => run(command));
  addSettings(command);
}

async function run(command: Command): Promise<void> {
  const config = configOf(command);
  const log = commandLog(command, config);
  const { openStore } = await import('./installation.ts');
  const { pendingMigrations } = await import('../platform/database/index.ts');
  const { dryRun = false } = command.opts<{ dryRun?: boolean }>();
  // What is under way comes to its end: the database that was started for it is stopped then.
  stopSignal();
  const store = await openStore({ config, log, mode: 'attach', migrates: !dryRun });
  try {
    if (dryRun) {
      const pending = await pendingMigrations(store.ownerConnection);
      process.stdout.write(pending.map((name) => `${name}\n`).join(''));
      process.stderr.write(pending.length === 0 ? 'Nothing to do.\n' : `${pending.length} to apply.\n`);
      return;
    }
    const { applied, current } = store.migrations ?? { applied: [], current: null };
    process.stdout.write(applied.map((name) => `${name}\n`).join(''));
    process.stderr.write(`The schema is at ${current ?? 'nothing'}; ${applied.length} applied.\n`);
  } finally {
    await store.close();
  }
}
