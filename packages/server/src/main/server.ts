import { isIPv6 } from 'node:net';
import { buildApp } from '../app.ts';
import { ExpirySweeper, Housekeeper, StockEngine, type HousekeepingReport, type SweepReport } from '../engine/index.ts';
import { systemClock } from '../kernel/clock.ts';
import { Problem, problems } from '../kernel/problem.ts';
import { alertRoutes } from '../modules/alerts/index.ts';
import { apiKeyRoutes, createKeyStore } from '../modules/api-keys/index.ts';
import { auditRoutes } from '../modules/audit/index.ts';
import { catalogRoutes } from '../modules/catalog/index.ts';
import { asyncApiRoutes, eventRoutes } from '../modules/events/index.ts';
import { instanceRoutes } from '../modules/instances/index.ts';
import { EVENT_RETENTION_JOB, EXPIRY_JOB, HOUSEKEEPING_JOB, type Jobs } from '../modules/jobs/index.ts';
import { inventoryFeature } from '../modules/inventory/index.ts';
import { registerLedgerReads } from '../modules/ledger/index.ts';
import { locationRoutes } from '../modules/locations/index.ts';
import { createSessionStore, Passwords, peopleRoutes, type PasswordCosts } from '../modules/people/index.ts';
import { reservationsFeature } from '../modules/reservations/index.ts';
import { settingsRoutes } from '../modules/settings/index.ts';
import { transfersFeature } from '../modules/transfers/index.ts';
import { Authenticator, type Authenticate } from '../platform/auth/index.ts';
import type { Config } from '../platform/config/index.ts';
import { DatabaseWatch, isConnectionLost, toDatabaseProblem, type Database } from '../platform/database/index.ts';
import type { JobType } from '../platform/jobs/index.ts';
import {
  dashboardPages,
  type HttpOptions,
  type HttpServer,
  type Readiness,
  type Routes,
} from '../platform/http/index.ts';
import { Seldom, type Logger } from '../platform/log/index.ts';
import { createMetrics, type Metrics } from '../platform/metrics/index.ts';
import type { Signals } from '../platform/signals/index.ts';
import { eventDocument } from './asyncapi.ts';
import { openEvents, type EventStream } from './events.ts';
import { openJobs } from './jobs.ts';
import { openLive } from './live.ts';
import { openLimits, type RateLimiting } from './limits.ts';
import { OwnCalls } from './own.calls.ts';
import { openRedis } from './redis.ts';
import { meterPause } from './pause.ts';
import { openRegistry } from './registry.ts';
import { openSignals } from './signals.ts';
import { openStockAnswers } from './stock.answers.ts';
import { meterSignIns } from './sign.in.metrics.ts';
import { meterStock } from './stock.metrics.ts';
import { VERSION } from './version.ts';
import { openWebhooks, type Webhooks } from './webhooks.ts';

export interface ServerOptions {
  config: Config;
  log: Logger;
  database: Database;
  /** Process metrics: off where many servers live in one process. */
  runtimeMetrics?: boolean;
  /** Checks every answer against its schema. */
  checkAnswers?: boolean;
  /** Added to the database's clock in decisions; for tests that travel in time. */
  timeShiftMs?: () => number;
  /** A second lane runs while so many commands wait; for tests that need one order of arrival. */
  secondLaneAt?: number;
  /** Whether reserves are decided on what is known of stock; as the engine has it where absent. */
  optimistic?: boolean;
  /** Further routes under /api/v1. */
  extraRoutes?: readonly Routes[];
  /** Further types of jobs. */
  jobTypes?: readonly JobType[];
  /** false: no background duties; `jobs`: those alone that a process needs which does nothing but jobs. */
  duties?: boolean | 'jobs';
  /** Given its metrics, for who writes the text of several servers. */
  onMetrics?: (own: Metrics) => void;
  /** The text of /metrics, where it is not this server's alone. */
  renderMetrics?: () => Promise<string>;
  /** How long it waits, when it closes, for connections that are kept alive. */
  lameDuckMs?: number;
  /** What the hash of a password costs; for tests that sign in often. */
  passwordCosts?: PasswordCosts;
  /** Where the built dashboard is; without it `/` leads to the reference of the API. */
  dashboard?: string | null;
}

type State = 'starting' | 'serving' | 'stopping';

/** The features over one database, wired: an app that can listen, and its background duties. */
export interface HoldfastServer {
  app: HttpServer;
  /** What the app was made with, for one beside it that shares its state. */
  http: HttpOptions;
  engine: StockEngine;
  authenticator: Authenticator;
  sweeper: ExpirySweeper;
  /** The stream of events. */
  events: EventStream;
  webhooks: Webhooks;
  /** Hints to the other instances, and from them. */
  signals: Signals;
  rateLimits: RateLimiting;
  jobs: Jobs;
  /** Begins to serve, and starts the duties: until then all but the public routes answer 503. */
  markReady(): void;
  /** Serves what was accepted, then stops; the database stays open. */
  close(): Promise<void>;
}

export async function createServer(options: ServerOptions): Promise<HoldfastServer> {
  const { config, log, database } = options;
  const metrics = createMetrics({ runtime: options.runtimeMetrics ?? true });
  options.onMetrics?.(metrics);
  const stock = meterStock(metrics, database);
  const seldom = new Seldom(SELDOM_MS, () => systemClock.monotonic());
  meterPause(metrics, database);
  const shift = options.timeShiftMs === undefined ? {} : { timeShiftMs: options.timeShiftMs };
  const engine = new StockEngine(database, {
    defaultTtlMs: config.reservationTtlSeconds * 1000,
    ...shift,
    ...(options.secondLaneAt === undefined ? {} : { secondLaneAt: options.secondLaneAt }),
    ...(options.optimistic === undefined ? {} : { optimistic: options.optimistic }),
    onBatch: stock.onBatch,
    onCommit: stock.onCommit,
    onChanged: (changed) => answers.cache.changed(changed),
    onJournal: () => events.onJournal(),
    onDefect: (error, command) => {
      const level = seldom.isNews(String(error)) ? 'error' : 'debug';
      log[level]({ err: error, command: command.kind }, 'a command could not be decided');
    },
    onLost: (error) => {
      // While the database is away each command tries to connect.
      const level = watch.reason === null && seldom.isNews(String(error)) ? 'warn' : 'debug';
      log[level]({ err: error }, 'a connection of the engine was lost');
    },
  });
  const redis = await openRedis({ url: config.redisUrl, metrics, log });
  const signals = openSignals({ database, redis, metrics, log });
  const onError = (error: unknown): void => {
    if (isConnectionLost(error)) log.debug({ err: error }, 'a duty found the database away');
    else log.error({ err: error }, 'a duty failed');
  };
  const onTrimmed = (report: object): void => jobs.duties.note(EVENT_RETENTION_JOB, report);
  const events = openEvents({ config, database, metrics, signals, onTrimmed, onError });
  const answers = openStockAnswers({ database, stream: events.feed, redis, metrics });
  const webhooks = openWebhooks({ config, log, engine, database, feed: events.feed, metrics, signals, onError });
  const authenticator = new Authenticator({
    keys: createKeyStore(database),
    sessions: createSessionStore(database),
    jwt: config.jwt,
    clock: systemClock,
    log,
    onChanged: () => signals.publish(CREDENTIALS_CHANGED),
  });
  signals.on(CREDENTIALS_CHANGED, () => authenticator.reconsider());
  const deps = { engine, database, currency: config.currency, keys: authenticator };
  const ownCalls = new OwnCalls();
  const passwords = new Passwords(options.passwordCosts);
  let state: State = 'starting';
  const assertServing = (): void => {
    if (state === 'starting') throw new Problem(problems.databaseUnavailable, NOT_OPEN_YET);
  };
  const authenticate: Authenticate = (request) => {
    assertServing();
    return ownCalls.callerOf(request) ?? authenticator.authenticate(request);
  };
  const { corsOrigins } = config.http;
  const live = openLive({ events, authenticate, corsOrigins, metrics, onError });
  const watch = new DatabaseWatch({
    database,
    clock: systemClock,
    onAway: (reason, error) =>
      log.error({ err: error }, `${reason} What cannot be done meanwhile is answered with 503.`),
    onBack: (awayMs) => log.info({ awayMs }, 'the database is back'),
  });
  const instances = async (): Promise<number> => (await registry.count()).up;
  const rateLimits = openLimits({ database, engine, redis, signals, metrics, log, instances, onError });
  const jobs = await openJobs({
    config,
    engine,
    database,
    metrics,
    signals,
    log,
    onError,
    ...shift,
    extraTypes: options.jobTypes ?? [],
    isWorker: options.duties === 'jobs',
    call: ownCalls.make(() => app),
  });
  const http: HttpOptions = {
    config: config.http,
    log,
    authenticate,
    limit: rateLimits.limits,
    isReady: () => readinessOf(state, watch.reason),
    translateError: toDatabaseProblem,
    metrics: options.renderMetrics === undefined ? metrics : { ...metrics, render: options.renderMetrics },
    version: VERSION,
    lameDuckMs: options.lameDuckMs ?? 0,
    checkAnswers: options.checkAnswers ?? false,
  };
  const app: HttpServer = await buildApp({
    http,
    features: [
      catalogRoutes(deps),
      locationRoutes(deps),
      inventoryFeature({ ...deps, answers }),
      (scope) => registerLedgerReads(scope, deps),
      reservationsFeature(deps),
      transfersFeature(deps),
      alertRoutes(deps),
      apiKeyRoutes(deps),
      peopleRoutes({
        ...deps,
        authenticator,
        authenticate,
        assertServing,
        passwords,
        onSignIn: meterSignIns(metrics, log),
      }),
      settingsRoutes({ config, version: VERSION, database }),
      auditRoutes(deps),
      eventRoutes(live),
      webhooks.routes,
      rateLimits.routes,
      jobs.routes,
      instanceRoutes(deps),
      ...(options.extraRoutes ?? []),
    ],
    pages: [asyncApiRoutes(eventDocument), dashboardPages(options.dashboard ?? null)],
  });
  const onSweep = (report: SweepReport): void => {
    stock.onSweep(report);
    jobs.duties.note(EXPIRY_JOB, report);
  };
  const sweeper = new ExpirySweeper({ database, engine, onSweep, onError, ...shift });
  const onDone = (report: HousekeepingReport): void => jobs.duties.note(HOUSEKEEPING_JOB, report);
  const housekeeper = new Housekeeper({ database, onDone, onError });
  const address = (): string | null => addressOf(app);
  const registry = openRegistry({ database, metrics, signals, address, onError });
  return {
    app,
    http,
    engine,
    authenticator,
    sweeper,
    events,
    webhooks,
    signals,
    rateLimits,
    jobs,
    markReady: () => {
      state = 'serving';
      redis?.start();
      signals.start();
      rateLimits.start(options.duties !== false);
      jobs.start(options.duties !== false);
      if (options.duties === false) return;
      watch.start();
      registry.start();
      events.start();
      if (options.duties === 'jobs') return;
      sweeper.start();
      housekeeper.start();
      webhooks.start();
      answers.cache.start();
    },
    close: async () => {
      state = 'stopping';
      live.live.close();
      const jobsStopped = jobs.stop();
      // Runs of users' types make requests to the app until they have ended; a server has no time for that.
      if (options.duties === 'jobs') await jobsStopped;
      await Promise.all([
        app.close(),
        jobsStopped,
        sweeper.stop(),
        housekeeper.stop(),
        registry.stop(),
        webhooks.stop(),
      ]);
      await rateLimits.stop();
      await engine.close();
      answers.cache.stop();
      await events.stop();
      await Promise.all([watch.stop(), signals.close()]);
      await redis?.close();
    },
  };
}

/** What fails again and again for one reason is told of so often at most. */
const SELDOM_MS = 10_000;

/** A hint: what is remembered is given up, and looked up again. Without it that happens within a second. */
const CREDENTIALS_CHANGED = 'settings.credentials';

const NOT_OPEN_YET = 'The server is starting, and its database is not open yet. Try again shortly.';

/** Where it listens, such as http://127.0.0.1:8080; null while it listens on no port. */
export function addressOf(app: HttpServer): string | null {
  const bound = app.server.address();
  if (bound === null || typeof bound === 'string') return null;
  return `http://${isIPv6(bound.address) ? `[${bound.address}]` : bound.address}:${bound.port}`;
}

function readinessOf(state: State, awayBecause: string | null): Readiness {
  if (state === 'starting') return { ready: false, reasons: [NOT_OPEN_YET] };
  if (state === 'stopping') return { ready: false, reasons: ['The server is stopping.'] };
  return { ready: awayBecause === null, reasons: awayBecause === null ? [] : [awayBecause] };
}
