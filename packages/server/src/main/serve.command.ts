import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import cluster from 'node:cluster';
import { SETTINGS } from '../platform/config/index.ts';
import { createLogger } from '../platform/log/index.ts';
import { exitOnDefect, onStopSignal } from './lifecycle.ts';
import { addSettings, configOf } from './settings.options.ts';

const WORKERS_MAX = 16;

const AFTER_HELP = `
When it serves it prints one line with its address on stdout; the log, JSON lines, goes to stderr.
GET /health/ready answers 503 before, and 200 from then on.
SIGTERM or SIGINT: answers what was accepted, then exits 0 within 10 s. A second one ends it at once.

Exit codes: 0 stopped; 1 a defect, or stopped at once; 2 could not start; 64 not called correctly.

Examples:
  $ holdfast serve
  $ holdfast serve --port 9090 --data /var/lib/holdfast
  $ DATABASE_URL=postgres://shop:secret@db.example.com/shop holdfast serve --host 0.0.0.0 --workers 4
`;

export function register(program: Command): void {
  const command = program
    .command('serve')
    .summary('serve the API, its documentation and the dashboard')
    .description('Opens the database, brings its schema up to date, and serves.')
    .option('--workers <number>', 'Processes that serve side by side, 1 to 16.', workerCount, 1)
    .addHelpText('after', AFTER_HELP)
    .action(() => run(command));
  addSettings(
    command,
    SETTINGS.map(({ name }) => name),
  );
}

async function run(command: Command): Promise<void> {
  const config = configOf(command);
  const { workers } = command.opts<{ workers: number }>();
  if (cluster.isWorker) {
    const { work } = await import('./worker.process.ts');
    await work(config, workers);
    return;
  }
  const log = createLogger(config.logLevel);
  exitOnDefect(log);
  const stop = onStopSignal(log);
  try {
    const start = workers > 1 ? (await import('./workers.ts')).serveByWorkers : (await import('./serve.ts')).serve;
    const served = await start(config, { log, signal: stop.signal, workers });
    process.stdout.write(`Holdfast serves at ${served.address}\n`);
    await stop.requested;
    await served.close();
  } catch (error) {
    // Told to stop while it started: it has cleaned up, and that is all that was asked.
    if (!stop.signal.aborted) throw error;
    log.debug({ err: error }, 'stopped before it served');
  }
  process.exit(0);
}

function workerCount(text: string): number {
  const count = /^[1-9]\d?$/.test(text) ? Number(text) : Number.NaN;
  if (count <= WORKERS_MAX) return count;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${WORKERS_MAX}.`);
}
