import type { Command } from 'commander';
import type { Installation } from './installation.ts';
import { commandLog, configOf } from './settings.options.ts';
import { stopSignal } from './stop.signal.ts';

/** What a command answers: a value for programs, and the same in words. */
export interface Told {
  value: unknown;
  text: string;
}

/** Runs a command on the installation, also beside a running server, and prints its answer: JSON with `--json`. */
export async function runAttached(
  command: Command,
  work: (installation: Installation, signal: AbortSignal) => Promise<Told>,
): Promise<void> {
  const config = configOf(command);
  const { openInstallation } = await import('./installation.ts');
  const log = commandLog(command, config);
  const signal = stopSignal();
  const installation = await openInstallation({ config, log, mode: 'attach', poolMax: 2 });
  try {
    const { value, text } = await work(installation, signal);
    const { json = false } = command.opts<{ json?: boolean }>();
    process.stdout.write(json ? `${JSON.stringify(value, null, 2)}\n` : text);
  } finally {
    await installation.close();
  }
}
