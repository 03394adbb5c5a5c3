import { openInstallation } from '../packages/server/src/main/installation.ts';
import { createServer } from '../packages/server/src/main/server.ts';
import { Limits } from '../packages/server/src/modules/rate-limits/index.ts';
import { loadConfig } from '../packages/server/src/platform/config/index.ts';
import type { LimitedRoute, RouteCharges } from '../packages/server/src/platform/http/index.ts';
import { createLogger } from '../packages/server/src/platform/log/index.ts';
import { answerParent } from './child.ts';
import { readUsage } from './server.questions.ts';

// What `holdfast serve` runs, with the rules of a fresh installation, whose limits can be switched off and on: the same
// process, the same database and the same compiled code with and without.

/** `timed`: limited, and how long that takes is added up. */
type Mode = 'bare' | 'limited' | 'timed';
let mode: Mode = 'limited';
let insideMs = 0;

function switchable(charges: RouteCharges): RouteCharges {
  return {
    enter: (request, reply) => {
      if (mode === 'bare') return;
      if (mode === 'limited') return charges.enter(request, reply);
      const beganMs = performance.now();
      const charging = charges.enter(request, reply);
      insideMs += performance.now() - beganMs;
      return charging;
    },
    body: (request, reply) => (mode === 'bare' ? undefined : charges.body(request, reply)),
  };
}

// The server makes its limits itself: the method is what can be reached.
const forRoute = Reflect.get(Limits.prototype, 'forRoute');
Limits.prototype.forRoute = function forSwitchableRoute(route: LimitedRoute): RouteCharges | null {
  const charges = forRoute.call(this, route);
  return charges === null ? null : switchable(charges);
};

const config = loadConfig({ HOLDFAST_DATA: process.env['BENCH_DATA'] });
const log = createLogger('warn');
const installation = await openInstallation({ config, log, mode: 'own' });
const server = await createServer({ config, log, database: installation.database });
const address = await server.app.listen({ host: '127.0.0.1', port: 0 });
server.markReady();

async function leave(): Promise<void> {
  await server.close();
  await installation.close();
  process.exit(0);
}

let leaving: Promise<void> | null = null;
const leaveOnce = (): void => void (leaving ??= leave());

let requests = 0;
server.app.server.on('request', () => (requests += 1));

answerParent((question) => {
  ({ mode } = question as { mode: Mode });
  return Promise.resolve({ port: Number(new URL(address).port), requests, insideMs, cpuMs: readUsage().cpuMs });
}, leaveOnce);
process.on('SIGTERM', leaveOnce);
