import type { Config } from '../platform/config/index.ts';
import { createProbeServer, type HttpServer, type Readiness } from '../platform/http/index.ts';
import { addressOf, type HoldfastServer } from './server.ts';

/** What a worker tells supervisors and Prometheus. */
export interface WorkerProbes {
  /** Where they are, such as http://127.0.0.1:8081 */
  address: string;
  /** The server was started: it is ready as soon as its queue is open. */
  started(): void;
  close(): Promise<void>;
}

/** Answers take no time: whoever has not sent or taken a whole one by then is cut. */
const CUT_AFTER_MS = 500;

/**
 * Listens for health checks and scrapes of a process that does nothing but jobs: nothing else of its server can be
 * reached there. It may listen before there is a database, and where there are no keys: nobody is admin here, and
 * metrics are shown to who may read, from other machines never without a key.
 *
 * @throws EADDRINUSE, EADDRNOTAVAIL, EACCES
 */
export async function openProbes(
  { http, jobs }: HoldfastServer,
  { host, jobSlots }: Config,
  port: number,
): Promise<WorkerProbes> {
  let isOpen = false;
  const isReady = (): Readiness => {
    const readiness = http.isReady();
    if (!readiness.ready) return readiness;
    const reasons: string[] = [];
    if (!isOpen) reasons.push(QUEUE_NOT_OPEN);
    if (jobSlots === 0) reasons.push(NO_SLOTS);
    if (jobs.worker.failingForMs > FAILING_MS) reasons.push(TAKES_NOTHING);
    return { ready: reasons.length === 0, reasons };
  };
  const app = await createProbeServer({ ...http, isReady });
  await app.listen({ host, port });
  return {
    address: addressOf(app) ?? '',
    started: () => void jobs.ready().then(() => (isOpen = true)),
    close: () => closeWithin(app, CUT_AFTER_MS),
  };
}

const QUEUE_NOT_OPEN = 'The worker is starting, and its queue is not open yet.';
/** One look in vain is the database's moment; several are the worker's. */
const FAILING_MS = 5_000;
const TAKES_NOTHING = 'Runs cannot be taken, though the database answers; the log says why.';
const NO_SLOTS = 'HOLDFAST_JOB_SLOTS is 0: this worker takes no runs.';

async function closeWithin(app: HttpServer, ms: number): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), ms);
  await app.close();
  clearTimeout(timer);
}
