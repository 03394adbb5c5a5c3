import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';
import { formatForTerminal } from './terminal.format.ts';

export type Logger = PinoLogger;

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Values that never reach a log, wherever an object that carries them is logged. */
const SECRETS = ['authorization', 'x-api-key', 'cookie', 'set-cookie', 'key', 'secret', 'password', 'token'];

/**
 * One JSON object per line, on stderr unless a destination is given: stdout is for what a command was asked for. Where
 * stderr is a terminal the same in words.
 */
export function createLogger(level: LogLevel, destination: DestinationStream = stderr()): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: SECRETS.flatMap(pathsOf), censor: '[redacted]' },
  };
  return pino(options, destination);
}

/** Written at once, so that the last line before a crash is not lost. */
function stderr(): DestinationStream {
  if (process.stderr.isTTY) return { write: (line) => void process.stderr.write(formatForTerminal(line)) };
  const destination = pino.destination({ dest: 2, sync: true });
  // Who read the log is gone: no reason to go as well.
  destination.on('error', () => undefined);
  return destination;
}

function pathsOf(name: string): string[] {
  return [`["${name}"]`, `*["${name}"]`, `*.headers["${name}"]`];
}
