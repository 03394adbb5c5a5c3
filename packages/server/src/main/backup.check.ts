import { chmod, rm } from 'node:fs/promises';
import type { Config } from '../platform/config/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { makeTemporaryData, restoreBackup, type EmbeddedLog } from '../platform/postgres/index.ts';
import { EXIT } from './command.line.ts';
import { openInstallation } from './installation.ts';
import { startProgress } from './progress.ts';
import { inWords, verifyWithProgress } from './verify.command.ts';

const DIFFERENCES_SHOWN = 20;

interface CheckOptions {
  config: Config;
  log: Logger;
  signal: AbortSignal;
}

/** Restores a backup to a temporary directory, starts it there and verifies what it holds; sets the exit code. */
export async function checkBackup(source: string, { config, log, signal }: CheckOptions): Promise<void> {
  const tell: EmbeddedLog = (level, message, extra) => log[level](extra ?? {}, message);
  const directory = await makeTemporaryData('check', tell);
  // For root's PostgreSQL, which runs as somebody else.
  await chmod(directory, 0o711);
  const display = startProgress('unpack');
  let home = directory;
  try {
    const report = await restoreBackup({
      source,
      dataDir: directory,
      force: false,
      log: tell,
      onProgress: (done, total) => {
        signal.throwIfAborted();
        display.update(total === 0 ? null : Math.min(1, done / total), 'unpacking');
      },
    });
    home = report.home;
    display.stop();
    const there = { ...config, databaseUrl: null, databaseMigrateUrl: null, dataDirectory: directory };
    const installation = await openInstallation({ config: there, log, mode: 'own', migrates: false, poolMax: 2 });
    try {
      const verification = await verifyWithProgress(installation.database, DIFFERENCES_SHOWN, signal);
      process.stdout.write(inWords(verification));
      if (!verification.clean) process.exitCode = EXIT.refused;
    } finally {
      await installation.close();
    }
  } finally {
    display.stop();
    for (const made of new Set([home, directory])) await rm(made, { recursive: true, force: true });
  }
}
