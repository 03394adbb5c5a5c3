import { boundHeap } from '../packages/server/src/main/heap.ts';
import { openInstallation } from '../packages/server/src/main/installation.ts';
import { createServer } from '../packages/server/src/main/server.ts';
import { loadConfig } from '../packages/server/src/platform/config/index.ts';
import { createLogger } from '../packages/server/src/platform/log/index.ts';
import { answerParent } from './child.ts';
import { readDatabaseWork } from './cost.sql.ts';
import { Profiler, readUsage, type ServerQuestion } from './server.questions.ts';
import { dropEventRows } from './numbering.sql.ts';
import { benchRoutes } from './server.routes.ts';

// What `holdfast serve` runs, on a free port and a directory of its own, with the routes to compare it with.
const config = loadConfig({ HOLDFAST_DATA: process.env['BENCH_DATA'] });
const log = createLogger('warn');
boundHeap();
const installation = await openInstallation({ config, log, mode: 'own' });
// For numbering.ts: nothing is written for the event stream, and nobody numbers it.
const hasEvents = process.env['BENCH_EVENTS'] !== 'off';
if (!hasEvents) await dropEventRows(installation.connection);
const server = await createServer({
  config,
  log,
  database: installation.database,
  duties: hasEvents,
  extraRoutes: [benchRoutes(installation.connection)],
});
const address = await server.app.listen({ host: '127.0.0.1', port: 0 });
server.markReady();

const profiler = new Profiler();

async function answer(question: ServerQuestion): Promise<unknown> {
  switch (question.do) {
    case 'address':
      return { port: Number(new URL(address).port) };
    case 'usage':
      return readUsage();
    case 'database':
      return readDatabaseWork(installation.database);
    case 'profile-start':
      return profiler.start();
    case 'profile-stop':
      return profiler.stop(question.file);
  }
}

let isLeaving = false;

async function leave(): Promise<void> {
  if (isLeaving) return;
  isLeaving = true;
  await server.close();
  await installation.close();
  process.exit(0);
}

answerParent(
  (question) => answer(question as ServerQuestion),
  () => void leave(),
);
process.on('SIGTERM', () => void leave());
