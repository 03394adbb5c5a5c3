import type { Config } from '../../platform/config/index.ts';
import type { Routes } from '../../platform/http/index.ts';
import { SettingsSchema, type SettingsView } from './settings.schema.ts';

export interface SettingsOptions {
  config: Config;
  version: string;
}

/** What this instance was told. It is changed where it was said, by environment or flags, and at a start. */
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
      handler: (request) => Promise.resolve(request.caller.scopes.has('admin') ? forAdmins : forReaders),
    });
  };
}

function publicSettings({ config, version }: SettingsOptions): SettingsView {
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

function allSettings(options: SettingsOptions): SettingsView {
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
