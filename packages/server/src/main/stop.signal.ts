import { CommandRefused, EXIT } from './command.line.ts';
import { SAME_SIGNAL_MS } from './lifecycle.ts';

/**
 * Aborted by SIGINT, SIGTERM or SIGHUP. From now on they leave it to the command to end: it takes away what is half done,
 * and stops a PostgreSQL that was started for it, which would go on for nobody. A second one ends it at once.
 */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  let firstMs = 0;
  const onSignal = (name: NodeJS.Signals): void => {
    if (stop.signal.aborted) {
      if (performance.now() - firstMs >= SAME_SIGNAL_MS) process.exit(EXIT.couldNotRun);
      return;
    }
    firstMs = performance.now();
    stop.abort(new CommandRefused(`Stopped by ${name}.`, EXIT.couldNotRun));
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  return stop.signal;
}
