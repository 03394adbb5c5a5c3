import fastifyRateLimit from '@fastify/rate-limit';
import { fastify } from 'fastify';
import { Limits, type StoredRule } from '../packages/server/src/modules/rate-limits/index.ts';
import { expandScopes, type Caller } from '../packages/server/src/platform/auth/index.ts';
import { createHttpServer, HTTP_DEFAULTS, mount } from '../packages/server/src/platform/http/index.ts';
import { MemoryStore } from '../packages/server/src/platform/limiter/index.ts';
import { createLogger } from '../packages/server/src/platform/log/index.ts';
import { createMetrics } from '../packages/server/src/platform/metrics/index.ts';
import { answerParent } from './child.ts';
import { SAMPLE_RESERVATION } from './sample.ts';

// A route that does nothing, with and without a limit before it.

const CALLER: Caller = { actor: 'key:bench', owner: 'key:bench', scopes: expandScopes(['admin']) };
const HUGE = 1_000_000_000;

/** A rule that counts every request and refuses none. */
function rule(number: number): StoredRule {
  return {
    id: `rule-${number}`,
    name: `rule ${number}`,
    algorithm: 'token_bucket',
    limit: HUGE,
    windowMs: 60_000,
    burst: null,
    subject: ['api_key', 'ip', 'global'][number % 3] ?? 'ip',
    match: { methods: null, path: '/api/v1/**', callers: null, from: null },
    tier: null,
    overrides: {},
    costs: [],
    refund: 'never',
    adaptive: null,
    activeFrom: null,
    activeTo: null,
    onStoreError: 'allow',
    mode: 'enforce',
    enabled: true,
    version: 1,
    createdAt: 0,
    updatedAt: 0,
  };
}

/** Holdfast's own HTTP layer, with so many rules; with none, without a limiter. */
async function holdfast(rules: number): Promise<string> {
  const memory = new MemoryStore();
  // It never reads rules: it is given them.
  const limits = new Limits({ database: {} as never, store: memory, memory, isShared: false });
  const app = await createHttpServer({
    config: HTTP_DEFAULTS,
    log: createLogger('silent'),
    authenticate: () => CALLER,
    isReady: () => ({ ready: true, reasons: [] }),
    metrics: createMetrics({ runtime: false }),
    version: '0.0.0',
    ...(rules === 0 ? {} : { limit: limits }),
  });
  await mount(app, '/api/v1', [
    (scope) => {
      scope.route({
        method: 'GET',
        url: '/noop',
        config: { scope: 'read' },
        schema: { tags: ['Bench'], operationId: 'noop' },
        handler: () => SAMPLE_RESERVATION,
      });
    },
  ]);
  const stored = Array.from({ length: rules }, (_unused, number) => rule(number));
  limits.use({ revision: 1, rules: stored, tiers: [], successors: [] });
  memory.start();
  await app.ready();
  return app.listen({ host: '127.0.0.1', port: 0 });
}

/** A bare Fastify, with or without the usual plugin, as its manual shows it. */
async function usual(isLimited: boolean): Promise<string> {
  const app = fastify({ logger: false });
  if (isLimited) {
    await app.register(fastifyRateLimit, { max: HUGE, timeWindow: '1 minute', enableDraftSpec: true });
  }
  app.get('/api/v1/noop', () => SAMPLE_RESERVATION);
  return app.listen({ host: '127.0.0.1', port: 0 });
}

// All that are compared live in one process and are measured in turn, many times: what else the machine does, and what
// V8 made of the code they share, is the same for them.
const kinds: Record<string, () => Promise<string>> =
  process.env['BENCH_LIMITER'] === 'holdfast'
    ? { '0': () => holdfast(0), '1': () => holdfast(1), '3': () => holdfast(3) }
    : { '0': () => usual(false), '1': () => usual(true) };
const ports: Record<string, number> = {};
for (const [kind, start] of Object.entries(kinds)) ports[kind] = Number(new URL(await start()).port);

answerParent(
  () => {
    const { user, system } = process.cpuUsage();
    return Promise.resolve({ ports, cpuMicros: user + system });
  },
  () => process.exit(0),
);
process.on('SIGTERM', () => process.exit(0));
