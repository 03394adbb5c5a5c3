export { ConfigError, loadConfig, type Config } from './config.ts';
export { optionName, SETTINGS, type Setting, type SettingName } from './settings.ts';
