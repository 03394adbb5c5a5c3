import { noteVerdict } from './connection.store.ts';
import { ReadinessWatch } from './readiness.watch.ts';

const READY = '/health/ready';

export const readiness = new ReadinessWatch({
  // Before what the page itself waits for: a browser has six connections to a server.
  ask: (signal) => fetch(new URL(READY, location.origin), { signal, cache: 'no-store', priority: 'high' }),
  onVerdict: noteVerdict,
  isSeen: () => !document.hidden,
});

/** Watches while this tab is looked at. Gives the way to stop. */
export function watchReadiness(): () => void {
  const reconsider = (): void => readiness.reconsider();
  document.addEventListener('visibilitychange', reconsider);
  addEventListener('online', reconsider);
  addEventListener('offline', reconsider);
  readiness.start();
  return () => {
    document.removeEventListener('visibilitychange', reconsider);
    removeEventListener('online', reconsider);
    removeEventListener('offline', reconsider);
    readiness.stop();
  };
}
