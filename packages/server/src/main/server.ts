import { buildApp } from '../app.ts';
import { ExpirySweeper, Housekeeper, StockEngine } from '../engine/index.ts';
import { systemClock } from '../kernel/clock.ts';
import { alertRoutes } from '../modules/alerts/index.ts';
import { apiKeyRoutes, createKeyStore } from '../modules/api-keys/index.ts';
import { auditRoutes } from '../modules/audit/index.ts';
import { catalogRoutes } from '../modules/catalog/index.ts';
import { inventoryFeature } from '../modules/inventory/index.ts';
import { registerLedgerReads } from '../modules/ledger/index.ts';
import { locationRoutes } from '../modules/locations/index.ts';
import { reservationsFeature } from '../modules/reservations/index.ts';
import { transfersFeature } from '../modules/transfers/index.ts';
import { Authenticator } from '../platform/auth/index.ts';
import type { Config } from '../platform/config/index.ts';
import { isConnectionLost, type Database } from '../platform/database/index.ts';
import type { HttpServer, Routes } from '../platform/http/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { createMetrics } from '../platform/metrics/index.ts';
import { meterStock } from './stock.metrics.ts';
import { VERSION } from './version.ts';

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
  /** Further routes under /api/v1. */
  extraRoutes?: readonly Routes[];
  /** false: no background duties. */
  duties?: boolean;
}

/** The features over one database, wired: an app that can listen, and its background duties. */
export interface HoldfastServer {
  app: HttpServer;
  engine: StockEngine;
  authenticator: Authenticator;
  sweeper: ExpirySweeper;
  /** Begins to serve, and starts the duties. */
  markReady(): void;
  /** Serves what was accepted, then stops; the database stays open. */
  close(): Promise<void>;
}

export async function createServer(options: ServerOptions): Promise<HoldfastServer> {
  const { config, log, database } = options;
  const metrics = createMetrics({ runtime: options.runtimeMetrics ?? true });
  const stock = meterStock(metrics, database);
  const shift = options.timeShiftMs === undefined ? {} : { timeShiftMs: options.timeShiftMs };
  const engine = new StockEngine(database, {
    defaultTtlMs: config.reservationTtlSeconds * 1000,
    ...shift,
    onBatch: stock.onBatch,
    onCommit: stock.onCommit,
    onDefect: (error, command) => log.error({ err: error, command: command.kind }, 'a command could not be decided'),
    onLost: (error) => log.warn({ err: error }, 'a connection of the engine was lost'),
  });
  const authenticator = new Authenticator({ keys: createKeyStore(database), jwt: config.jwt, clock: systemClock, log });
  const deps = { engine, database, currency: config.currency, keys: authenticator };
  const readiness = { ready: false };
  const app = await buildApp({
    http: {
      config: config.http,
      log,
      authenticate: authenticator.authenticate,
      isReady: () => ({ ready: readiness.ready, reasons: readiness.ready ? [] : ['starting'] }),
      metrics,
      version: VERSION,
      checkAnswers: options.checkAnswers ?? false,
    },
    features: [
      catalogRoutes(deps),
      locationRoutes(deps),
      inventoryFeature(deps),
      (scope) => registerLedgerReads(scope, deps),
      reservationsFeature(deps),
      transfersFeature(deps),
      alertRoutes(deps),
      apiKeyRoutes(deps),
      auditRoutes(deps),
      ...(options.extraRoutes ?? []),
    ],
  });
  const onError = (error: unknown): void => {
    if (isConnectionLost(error)) log.debug({ err: error }, 'a duty found the database away');
    else log.error({ err: error }, 'a duty failed');
  };
  const sweeper = new ExpirySweeper({ database, engine, onSweep: stock.onSweep, onError, ...shift });
  const housekeeper = new Housekeeper({ database, onError });
  return {
    app,
    engine,
    authenticator,
    sweeper,
    markReady: () => {
      readiness.ready = true;
      if (options.duties === false) return;
      sweeper.start();
      housekeeper.start();
    },
    close: async () => {
      readiness.ready = false;
      await Promise.all([sweeper.stop(), housekeeper.stop()]);
      await app.close();
      await engine.close();
    },
  };
}
