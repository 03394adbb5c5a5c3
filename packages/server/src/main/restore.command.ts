import type { Command } from 'commander';
import { CommandRefused, EXIT } from './command.line.ts';
import { addSettings, commandLog, configOf } from './settings.options.ts';
import { stopSignal } from './stop.signal.ts';

const AFTER_HELP = `
Every file is compared with its checksum before anything is put in place. Data that are there are kept: without --force
they are a refusal, with it they are moved aside, and the path that they have then is told.

What was restored is paused: it sends nothing to webhooks and runs no jobs, which the original may have done or may still
be doing. When it is to take the original's place: \`holdfast resume\`.

Exit codes: 0 done; 1 data or a running server are there, or --check found differences; 2 could not run, or the backup is damaged; 64 not
called correctly.

Examples:
  $ holdfast restore backups/today.tar.gz --data ./restored
  $ holdfast restore backups/today.tar.gz --force
  $ holdfast restore backups/today.tar.gz --check      start it in a temporary place, verify it, and touch nothing
`;

interface RestoreOptions {
  force?: boolean;
  check?: boolean;
}

export function register(program: Command): void {
  const command = program
    .command('restore')
    .summary('put a backup into a data directory')
    .description('Puts a backup of `holdfast backup` into a data directory whose server is stopped.')
    .argument('<backup>', 'What `holdfast backup` wrote.')
    .option('--force', 'Move data that are there aside.')
    .option('--check', 'Only check the backup: start it in a temporary place and verify what it holds.')
    .addHelpText('after', AFTER_HELP)
    .action((backup: string, options: RestoreOptions) => run(command, backup, options));
  addSettings(command, ['HOLDFAST_DATA', 'LOG_LEVEL']);
}

async function run(command: Command, source: string, { force = false, check }: RestoreOptions): Promise<void> {
  const config = configOf(command);
  const log = commandLog(command, config);
  const signal = stopSignal();
  if (check === true) {
    const { checkBackup } = await import('./backup.check.ts');
    await checkBackup(source, { config, log, signal });
    return;
  }
  if (config.databaseUrl !== null) {
    const detail =
      'DATABASE_URL is set: `holdfast restore` is for the embedded PostgreSQL alone. Unset it, or use pg_restore.';
    throw new CommandRefused(detail, EXIT.couldNotRun);
  }
  const { restoreBackup } = await import('../platform/postgres/index.ts');
  const { startProgress } = await import('./progress.ts');
  const display = startProgress('restore');
  try {
    const { manifest, home, movedTo } = await restoreBackup({
      source,
      dataDir: config.dataDirectory,
      force,
      log: (level, message, extra) => log[level](extra ?? {}, message),
      onProgress: (done, total) => {
        signal.throwIfAborted();
        display.update(total === 0 ? null : Math.min(1, done / total), 'unpacking');
      },
    });
    display.stop();
    process.stdout.write(`Restored the state of ${manifest.finishedAt} to ${home}.\n`);
    if (movedTo !== null) process.stdout.write(`The data that were there are in ${movedTo}.\n`);
    process.stdout.write('It is paused: it sends nothing to webhooks and runs no jobs until `holdfast resume`.\n');
  } finally {
    display.stop();
  }
}
