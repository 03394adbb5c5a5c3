import type { Command } from 'commander';
import { SETTINGS } from '../platform/config/index.ts';
import { createLogger } from '../platform/log/index.ts';
import { exitOnDefect, onStopSignal } from './lifecycle.ts';
import { addSettings, configOf } from './settings.options.ts';

const AFTER_HELP = `
Runs jobs and serves no API: as many of these as you like, on as many machines, beside the servers. Without DATABASE_URL
it works on the data directory of a server on this machine. It starts when the schema is as new as it is itself.
Set HOLDFAST_JOB_SLOTS to 0 on the servers to leave all runs to workers.

With --port it answers GET /health/ready (200 while it takes runs, else 503 and why), /health/live and /metrics there.

When it works it prints one line on stdout; the log, JSON lines, goes to stderr.
SIGTERM or SIGINT: takes no more, lets runs come to their end for a few seconds, hands over those that do not, and exits 0
within 10 s. A second one ends it at once: its runs are taken up again within 30 s.

Exit codes: 0 stopped; 1 a defect, or stopped at once; 2 could not start; 64 not called correctly.

Examples:
  $ holdfast work
  $ holdfast work --port 8081
  $ DATABASE_URL=postgres://shop:secret@db.example.com/shop holdfast work --job-slots 40
`;

export function register(program: Command): void {
  const command = program
    .command('work')
    .summary('run jobs, and serve no API')
    .description('Takes the runs of jobs as they are due, beside the servers of the same database.')
    .addHelpText('after', AFTER_HELP)
    .action(() => run(command));
  addSettings(
    command,
    // It listens by a setting of its own: PORT, in a file of settings that both read, is the server's.
    SETTINGS.map(({ name }) => name).filter((name) => name !== 'PORT'),
    { HOLDFAST_WORK_PORT: 'port' },
  );
}

async function run(command: Command): Promise<void> {
  const config = configOf(command);
  const log = createLogger(config.logLevel);
  exitOnDefect(log);
  const stop = onStopSignal(log);
  try {
    const { startWorker } = await import('./worker.ts');
    const worker = await startWorker(config, { log, signal: stop.signal });
    const told = worker.address === null ? '' : `; health and metrics at ${worker.address}`;
    process.stdout.write(`Holdfast works on jobs, ${config.jobSlots} at once${told}\n`);
    await stop.requested;
    await worker.close();
  } catch (error) {
    // Told to stop while it started: it has cleaned up, and that is all that was asked.
    if (!stop.signal.aborted) throw error;
    log.debug({ err: error }, 'stopped before it worked');
  }
  process.exit(0);
}
