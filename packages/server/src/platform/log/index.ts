export { createLogger, LOG_LEVELS, type Logger, type LogLevel } from './log.ts';
export { Seldom } from './seldom.ts';
