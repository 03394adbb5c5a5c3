import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';

export type Logger = PinoLogger;

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Values that never reach a log, wherever an object that carries them is logged. */
const SECRETS = ['authorization', 'x-api-key', 'cookie', 'set-cookie', 'key', 'secret', 'password', 'token'];

/** One JSON object per line, on stdout unless a destination is given. */
export function createLogger(level: LogLevel, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: SECRETS.flatMap(pathsOf), censor: '[redacted]' },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

function pathsOf(name: string): string[] {
  return [`["${name}"]`, `*["${name}"]`, `*.headers["${name}"]`];
}
