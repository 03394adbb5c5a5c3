import { InvalidArgumentError, type Command } from 'commander';
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { CommandRefused, EXIT } from './command.line.ts';

const AFTER_HELP = `
Real orders of a British wholesaler, the first days of December 2010 (UCI "Online Retail", Daqing Chen, CC BY 4.0): the
catalog and three warehouses are made from them, stock is received (of some products too little), and every order is
reserved, confirmed and shipped through the HTTP API, in the order of time. It ends with figures, and with a verify.

Exit codes: 0 done, and clean; 1 verify found differences; 2 could not run; 64 not called correctly.

Examples:
  $ holdfast demo
  $ holdfast demo --serve --port 8080          and keep its server, to look at the outcome
  $ holdfast demo --speed 3600 --limit 100     an hour a second
  $ holdfast demo --url http://127.0.0.1:8080 --key "$KEY"
`;

interface DemoFlags {
  data: string;
  keep?: boolean;
  serve?: boolean;
  port: number;
  url?: string;
  key?: string;
  file?: string;
  limit?: number;
  speed: number;
  atOnce: number;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('demo')
    .summary('replay days of real orders through the API')
    .description('Replays days of real orders through the HTTP API of a server of its own, or of another.')
    .option('--data <directory>', 'The data directory of its own server, emptied first.', './holdfast-data/demo')
    .option('--keep', 'Leave in that directory what earlier demos did.')
    .option('--serve', 'Keep the server when all is done, until Ctrl-C.')
    .option('--port <number>', 'The port of its own server; 0 is a free one.', wholeNumber(0, 65_535), 0)
    .option('--url <url>', 'Replay against a running server instead.')
    .option('--key <key>', 'Its API key, with the scope admin.')
    .option('--file <csv>', 'Other invoices, in the columns of the data set.')
    .option('--limit <orders>', 'Only the first so many orders.', wholeNumber(1, 1_000_000))
    .option('--speed <factor>', 'How many times faster than life; 0 is as fast as it goes.', factor, 0)
    .option('--at-once <orders>', 'Orders in flight at a time.', wholeNumber(1, 256), 8)
    .option('--json', 'Print the figures as JSON.')
    .addHelpText('after', AFTER_HELP)
    .action((flags: DemoFlags) => run(flags));
}

async function run(flags: DemoFlags): Promise<void> {
  const { DemoFailed } = await import('./demo/demo.client.ts');
  try {
    await (flags.url === undefined ? runOwn(flags) : runAgainst(flags, flags.url));
  } catch (error) {
    if (error instanceof DemoFailed) throw new CommandRefused(error.message, EXIT.couldNotRun);
    throw error;
  }
}

async function runAgainst(flags: DemoFlags, url: string): Promise<void> {
  await runDays(flags, url, null);
  tell(`Whether all adds up: \`holdfast verify\`, where the database of ${url} is.`);
}

/** With a server of its own, which ends with the demo however that ends. */
async function runOwn(flags: DemoFlags): Promise<void> {
  const { emptyDataDirectory, startServer } = await import('./demo/demo.server.ts');
  const stopped = Promise.race((['SIGINT', 'SIGTERM'] as const).map((name) => once(process, name)));
  if (flags.keep !== true) await emptyDataDirectory(flags.data);
  const server = await startServer(flags.data, flags.port);
  try {
    tell(`A server of the demo's own is at ${server.address}, with its data in ${flags.data}.`);
    const days = runDays(flags, server.address, flags.data);
    const isOver = await Promise.race([days.then(() => true), stopped.then(() => false)]);
    if (!isOver) throw new CommandRefused('Stopped.', EXIT.refused);
    if (flags.serve === true) {
      tell(`Look at it: ${server.address}/ and ${server.address}/docs. Ctrl-C ends it.`);
      await stopped;
    }
  } finally {
    await server.stop();
  }
  const data = shellWord(flags.data);
  tell(`Look at it: npm start -- --data ${data} (or npx holdfast serve --data ${data}).`);
}

/** As it can be pasted: a path with a blank is one word. */
function shellWord(text: string): string {
  return /^[\w./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** @param directory where the database is, if it is ours */
async function runDays(flags: DemoFlags, url: string, directory: string | null): Promise<void> {
  const { DemoClient } = await import('./demo/demo.client.ts');
  const { readDataset, firstOrders } = await import('./demo/demo.dataset.ts');
  const { planStock } = await import('./demo/demo.stock.ts');
  const { setUp } = await import('./demo/demo.setup.ts');
  const { replay } = await import('./demo/demo.replay.ts');
  const { countAlerts, inWords, summarize } = await import('./demo/demo.summary.ts');
  const { newId } = await import('../kernel/ids.ts');
  const { startProgress } = await import('./progress.ts');

  const all = await readDataset(dataFile(flags.file));
  const data = flags.limit === undefined ? all : firstOrders(all, flags.limit);
  const plan = planStock(data);
  const client = new DemoClient(url, flags.key ?? null);
  const runId = newId(Date.now()).slice(-12);
  const startedMs = Date.now();
  tell(`${data.products.length} products, three warehouses, ${plan.receipts.length} receipts of stock …`);
  await setUp(client, data, plan, runId);
  const callsBefore = client.calls;
  const display = startProgress('orders', { quiet: flags.json === true });
  const { speed, atOnce } = flags;
  const figures = await replay({
    client,
    events: data.events,
    runId,
    atOnce,
    speed,
    onProgress: (done, { orders, units }) =>
      display.update(done / data.events.length, `${orders.asked} orders, ${units.shipped} units shipped`),
  }).finally(() => display.stop());
  const apiCalls = client.calls - callsBefore;
  const alertsOpened = await countAlerts(client, startedMs);
  const verifiedClean = directory === null ? null : await verifyIn(directory);
  const { shortProducts } = plan;
  const summary = summarize(client, data, figures, { apiCalls, alertsOpened, shortProducts, verifiedClean });
  process.stdout.write(flags.json === true ? `${JSON.stringify(summary, null, 2)}\n` : inWords(summary));
  if (verifiedClean === false) process.exitCode = EXIT.refused;
}

/** Beside the server, which goes on. */
async function verifyIn(directory: string): Promise<boolean> {
  const { loadConfig } = await import('../platform/config/index.ts');
  const { createLogger } = await import('../platform/log/index.ts');
  const { openInstallation } = await import('./installation.ts');
  const { inWords, verifyWithProgress } = await import('./verify.command.ts');
  const config = loadConfig({}, { data: directory, logLevel: 'error' });
  const log = createLogger(config.logLevel);
  const installation = await openInstallation({ config, log, mode: 'attach', migrates: false, poolMax: 2 });
  try {
    const report = await verifyWithProgress(installation.database, 20);
    tell(`Verify: ${inWords(report).trimEnd()}`);
    return report.clean;
  } finally {
    await installation.close();
  }
}

/** stdout is the figures' alone. */
function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}

function dataFile(given: string | undefined): string {
  const path = given ?? fileURLToPath(new URL('../../../../demo/online-retail-2010-12.csv', import.meta.url));
  if (existsSync(path)) return path;
  const where =
    given === undefined ? 'It is in the repository, as demo/online-retail-2010-12.csv: name it by --file' : '';
  throw new CommandRefused(`The data of the demo is not there (${path}). ${where}`.trim(), EXIT.couldNotRun);
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

function factor(text: string): number {
  const value = /^\d{1,9}(?:\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 0) return value;
  throw new InvalidArgumentError('It must be a number, such as 3600, or 0.');
}
