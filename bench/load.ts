import { type ClientConnection, openConnection } from './http.client.ts';
import { Histogram, type LatencySummary } from './histogram.ts';
import { createTraffic, type Session, type TrafficOrder } from './traffic.ts';

export interface LoadOrder extends TrafficOrder {
  port: number;
  connections: number;
  warmUpMs: number;
  measureMs: number;
}

export interface LoadResult {
  operationsPerSecond: number;
  callsPerSecond: number;
  /** Of single calls. */
  latency: LatencySummary;
  measuredMs: number;
  /** All answers, with those of the warm-up and of the end. */
  statuses: Record<string, number>;
  /** Operations completed over the whole run, with those of the warm-up and of the end. */
  operationsInAll: number;
  /** Of this process, over the measured time. */
  loadCpuMs: number;
}

/** A server that hangs is an error and not a low number. */
const LONGEST_WAIT_MS = 15_000;

/**
 * Drives `connections` keep-alive connections, each with one request outstanding, for a warm-up and then a measured
 * time; then lets what is outstanding end. Rejects at the first answer with another status than the expected one, at
 * the first broken connection, and when answers stay away.
 */
export async function runLoad(order: LoadOrder): Promise<LoadResult> {
  const run = new LoadRun(order);
  const createSession = createTraffic(order);
  const lanes = Array.from({ length: order.connections }, () => run.open(createSession()));
  return run.drive(await Promise.all(lanes));
}

interface Lane {
  connection: ClientConnection;
  session: Session;
  sentAt: number;
}

class LoadRun {
  private readonly order: LoadOrder;
  private readonly histogram = new Histogram();
  private readonly statuses = new Map<number, number>();
  private measureFrom = Infinity;
  private measureTo = Infinity;
  private measuredOperations = 0;
  private operationsInAll = 0;
  private outstanding = 0;
  private end: (error?: Error) => void = () => undefined;

  constructor(order: LoadOrder) {
    this.order = order;
  }

  async open(session: Session): Promise<Lane> {
    const lane: Partial<Lane> & { session: Session; sentAt: number } = { session, sentAt: 0 };
    lane.connection = await openConnection(
      this.order.port,
      (status, body) => this.take(lane as Lane, status, body),
      (error) => this.end(error),
    );
    return lane as Lane;
  }

  async drive(lanes: Lane[]): Promise<LoadResult> {
    const startedAt = performance.now();
    this.measureFrom = startedAt + this.order.warmUpMs;
    this.measureTo = this.measureFrom + this.order.measureMs;
    const cpu = new CpuMeter(this.order.warmUpMs, this.order.measureMs);
    const longestMs = this.order.warmUpMs + this.order.measureMs + LONGEST_WAIT_MS;
    const failLate = (): void => this.end(new Error(`${this.outstanding} requests were not answered in time`));
    const timer = setTimeout(failLate, longestMs);
    try {
      await new Promise<void>((resolve, reject) => {
        this.end = (error) => (error === undefined ? resolve() : reject(error));
        for (const lane of lanes) this.send(lane);
      });
    } finally {
      clearTimeout(timer);
      cpu.stop();
      for (const lane of lanes) lane.connection.close();
    }
    return this.result(cpu.usedMs);
  }

  private send(lane: Lane): void {
    const { session } = lane;
    session.prepare();
    this.outstanding += 1;
    lane.sentAt = performance.now();
    lane.connection.send(session.request, session.wantsBody);
  }

  private take(lane: Lane, status: number, body: Buffer | undefined): void {
    const now = performance.now();
    this.outstanding -= 1;
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    if (status !== lane.session.expectedStatus) {
      const shown = body?.toString('utf8', 0, 500) ?? '';
      return this.end(new Error(`${status} instead of ${lane.session.expectedStatus}: ${shown}`));
    }
    const operations = lane.session.complete(body);
    this.operationsInAll += operations;
    if (now >= this.measureFrom && now < this.measureTo) {
      this.histogram.record(now - lane.sentAt);
      this.measuredOperations += operations;
    }
    if (now < this.measureTo) this.send(lane);
    else if (this.outstanding === 0) this.end();
  }

  private result(loadCpuMs: number): LoadResult {
    const seconds = this.order.measureMs / 1000;
    if (this.measuredOperations === 0) throw new Error('not one operation ended in the measured time');
    return {
      operationsPerSecond: this.measuredOperations / seconds,
      callsPerSecond: this.histogram.count / seconds,
      latency: this.histogram.summary(),
      measuredMs: this.order.measureMs,
      statuses: Object.fromEntries([...this.statuses].map(([status, count]) => [String(status), count])),
      operationsInAll: this.operationsInAll,
      loadCpuMs,
    };
  }
}

/** The processor time that this process took from the end of the warm-up to the end of the measurement. */
class CpuMeter {
  usedMs = 0;
  private readonly timers: NodeJS.Timeout[];

  constructor(warmUpMs: number, measureMs: number) {
    let before = process.cpuUsage();
    const begin = (): void => void (before = process.cpuUsage());
    const finish = (): void => {
      const used = process.cpuUsage(before);
      this.usedMs = (used.user + used.system) / 1000;
    };
    this.timers = [setTimeout(begin, warmUpMs), setTimeout(finish, warmUpMs + measureMs - 1)];
  }

  stop(): void {
    for (const timer of this.timers) clearTimeout(timer);
  }
}
