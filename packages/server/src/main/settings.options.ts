import { Option, type Command } from 'commander';
import { loadConfig, optionName, SETTINGS, type Config, type SettingName } from '../platform/config/index.ts';
import { createLogger, type Logger } from '../platform/log/index.ts';

/** What every command that works on the data takes. */
export const DATABASE_SETTINGS: readonly SettingName[] = [
  'DATABASE_URL',
  'DATABASE_MIGRATE_URL',
  'HOLDFAST_DATA',
  'LOG_LEVEL',
];

/**
 * Gives a command its settings as flags, in a group of their own in its help.
 *
 * @param alsoCalled further flags, without the dashes, by setting
 */
export function addSettings(
  command: Command,
  names: readonly SettingName[] = DATABASE_SETTINGS,
  alsoCalled: Partial<Record<SettingName, string>> = {},
): Command {
  for (const name of names) {
    const setting = SETTINGS.find((one) => one.name === name);
    if (setting === undefined) continue;
    const alias = alsoCalled[setting.name];
    const flags = alias === undefined ? `--${setting.flag}` : `--${alias}, --${setting.flag}`;
    const byDefault = setting.default === null ? '' : `, default ${setting.default}`;
    command.addOption(
      new Option(`${flags} <${setting.value}>`, `${setting.description} (${name}${byDefault})`).helpGroup(
        'Settings, each also an environment variable:',
      ),
    );
  }
  return command;
}

/**
 * The configuration of a command: the flags that `addSettings` gave it count more than the environment.
 *
 * @throws ConfigError
 */
export function configOf(command: Command): Config {
  return loadConfig(process.env, settingsOf(command));
}

/** The flags that are settings, by option name: a command's own flags may have other names and kinds of values. */
function settingsOf(command: Command): Record<string, string> {
  const given: Record<string, unknown> = command.optsWithGlobals();
  const names = SETTINGS.map(({ flag }) => optionName(flag));
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = given[name];
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );
}

/** The log of a command that ends: it tells of trouble only, unless the level was asked for. */
export function commandLog(command: Command, config: Config): Logger {
  const isChosen = 'logLevel' in settingsOf(command) || (process.env['LOG_LEVEL'] ?? '') !== '';
  return createLogger(isChosen ? config.logLevel : 'warn');
}
