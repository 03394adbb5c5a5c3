import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { InvalidArgumentError, type Command } from 'commander';
import { CommandRefused, EXIT } from './command.line.ts';
import { addSettings, commandLog, configOf } from './settings.options.ts';
import { stopSignal } from './stop.signal.ts';

const AFTER_HELP = `
For the embedded PostgreSQL. Works beside a running server, under load: the backup holds everything that was committed
when it ended. The path is a directory, or a file that ends in .tar, .tar.gz or .tgz; it appears when it is whole.

--check restores it to a temporary directory (below ${tmpdir()}; TMPDIR chooses another), starts PostgreSQL on it and
runs \`holdfast verify\` there.

Exit codes: 0 done; 1 --check found differences, or the path exists; 2 could not run; 64 not called correctly.

Examples:
  $ holdfast backup backups/today.tar.gz
  $ holdfast backup /mnt/backups/$(date +%F) --check
`;

const WITH_DATABASE_URL =
  'DATABASE_URL is set: `holdfast backup` is for the embedded PostgreSQL alone. Back yours up with its own tools: ' +
  '`pg_dump --format=custom --file=holdfast.dump "$DATABASE_URL"` for a copy of one moment, or pg_basebackup with WAL ' +
  'archiving for point-in-time recovery. See docs/guides/backup-and-restore.md.';

export function register(program: Command): void {
  const command = program
    .command('backup')
    .summary('back up the embedded database while it runs')
    .description('Backs up the embedded database while it runs.')
    .argument('<path>', 'Where to: a directory, or an archive.', backupPath)
    .option('--check', 'Then start the backup in a temporary place and verify what it holds.')
    .addHelpText('after', AFTER_HELP)
    .action((path: string) => run(command, path));
  addSettings(command, ['HOLDFAST_DATA', 'LOG_LEVEL']);
}

async function run(command: Command, path: string): Promise<void> {
  const config = configOf(command);
  if (config.databaseUrl !== null) throw new CommandRefused(WITH_DATABASE_URL, EXIT.couldNotRun);
  if (existsSync(path)) throw new CommandRefused(`${path} exists already: a backup never overwrites.`);
  const { openStore } = await import('./installation.ts');
  const { latestMigration } = await import('../platform/database/index.ts');
  const { writeBackup } = await import('../platform/postgres/index.ts');
  const { startProgress } = await import('./progress.ts');
  const { VERSION } = await import('./version.ts');
  const log = commandLog(command, config);
  const signal = stopSignal();
  const store = await openStore({ config, log, mode: 'attach', migrates: false, needsData: true });
  const display = startProgress('backup');
  try {
    if (store.embedded === null) throw new Error('the embedded database was opened, and is not there');
    const migration = await latestMigration(store.ownerConnection);
    if (migration === null) {
      throw new CommandRefused(`No server has begun in ${store.embedded.dataDir}: it is empty.`, EXIT.couldNotRun);
    }
    const manifest = await writeBackup({
      postgres: store.embedded,
      target: path,
      about: { holdfast: VERSION, migration },
      onProgress: (done, total) => {
        signal.throwIfAborted();
        display.update(total === 0 ? null : Math.min(1, done / total), megabytes(done));
      },
    });
    display.stop();
    const files = Object.values(manifest.files);
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    process.stdout.write(
      `Backed up ${megabytes(bytes)} in ${files.length} files to ${path}, as of ${manifest.finishedAt}.\n`,
    );
  } finally {
    display.stop();
    await store.close();
  }
  if (command.opts<{ check?: boolean }>().check === true) {
    const { checkBackup } = await import('./backup.check.ts');
    await checkBackup(path, { config, log, signal });
  }
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function backupPath(text: string): string {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('It must be a path.');
}
