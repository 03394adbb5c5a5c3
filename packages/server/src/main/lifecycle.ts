import type { Logger } from '../platform/log/index.ts';

/** npm sends on what the terminal or a supervisor sent to the whole group: within this it is the same signal. */
export const SAME_SIGNAL_MS = 1_000;
/** "Drains and exits 0 within 10 s": what has not ended by then is left to the next start. */
const STOP_WITHIN_MS = 9_500;

/** Waits for SIGTERM, SIGINT or SIGHUP. */
export interface StopRequest {
  signal: AbortSignal;
  requested: Promise<void>;
}

/** From the first stop signal on the process has 9.5 s; a later second one ends it at once. */
export function onStopSignal(log: Logger): StopRequest {
  const stop = new AbortController();
  let firstMs = 0;
  const requested = new Promise<void>((resolve) => {
    const onSignal = (name: NodeJS.Signals): void => {
      if (stop.signal.aborted) {
        if (performance.now() - firstMs < SAME_SIGNAL_MS) return;
        log.warn({ signal: name }, 'told to stop a second time: stopping at once');
        process.exit(1);
      }
      firstMs = performance.now();
      log.info({ signal: name }, 'stopping: requests that were accepted are answered first');
      setTimeout(() => {
        log.warn('something did not end in time; the next start cleans up after it');
        process.exit(0);
      }, STOP_WITHIN_MS).unref();
      stop.abort();
      resolve();
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
    // The terminal was closed: left to its default it would leave PostgreSQL running.
    process.on('SIGHUP', onSignal);
  });
  return { signal: stop.signal, requested };
}

/** What nobody caught leaves the process in a state that nobody knows: the next start is a clean one. */
export function exitOnDefect(log: Logger): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      log.fatal({ err: error }, 'a defect ended the process');
      process.exit(1);
    });
  }
  // Whoever read our one line may have gone since.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}
