export { ConfigError, loadConfig, type Config, type EffectiveSetting } from './config.ts';
export { optionName, SETTINGS, type Setting, type SettingName } from './settings.ts';
