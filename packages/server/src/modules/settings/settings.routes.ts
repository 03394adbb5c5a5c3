import { toRfc3339 } from '../../kernel/clock.ts';
import type { Config } from '../../platform/config/index.ts';
import { readPause, type Database } from '../../platform/database/index.ts';
import type { Routes } from '../../platform/http/index.ts';
import { SettingsSchema, type SettingsView } from './settings.schema.ts';

export interface SettingsOptions {
  config: Config;
  version: string;
  database: Database;
}

type Told = Omit<SettingsView, 'paused'>;

/**
 * What this instance was told. It is changed where it was said, by environment or flags, and at a start; but for the
 * pause, which is of the whole installation.
 */
export function settingsRoutes(options: SettingsOptions): Routes {
  const forReaders = publicSettings(options);
  const forAdmins = allSettings(options);
  return (app) => {
    app.route({
      method: 'GET',
      url: '/settings',
      config: { scope: 'read' },
      schema: {
        tags: ['Operations'],
        operationId: 'getSettings',
        summary: 'What the server was told',
        description:
          'The settings that count on this instance, and where each comes from; never a secret. Who has not the scope admin sees only what a page needs.',
        response: { 200: SettingsSchema },
      },
      handler: async (request) => {
        const pause = await readPause(options.database.kysely);
        const paused = pause === null ? null : { since: toRfc3339(pause.sinceMs), because: pause.because };
        return { ...(request.caller.scopes.has('admin') ? forAdmins : forReaders), paused };
      },
    });
  };
}

function publicSettings({ config, version }: SettingsOptions): Told {
  const { currency, reservationTtlSeconds, jwt } = config;
  return {
    version,
    nodeVersion: null,
    database: null,
    currency,
    reservationTtlSeconds,
    tokens: jwt !== null,
    settings: null,
  };
}

function allSettings(options: SettingsOptions): Told {
  const { databaseUrl, settings } = options.config;
  return {
    ...publicSettings(options),
    nodeVersion: process.versions.node,
    database: databaseUrl === null ? 'embedded' : 'external',
    settings: settings.map(({ name, flag, description, effective, default: byDefault, source, secret = false }) => ({
      name,
      flag,
      description,
      value: effective,
      default: byDefault,
      source,
      secret,
    })),
  };
}
