import { setTimeout as sleep } from 'node:timers/promises';
import { DemoFailed, type ApiAnswer, type DemoClient } from './demo.client.ts';
import type { DemoEvent } from './demo.dataset.ts';
import { nearestWarehouse, placeOf } from './demo.places.ts';
import { inParallel } from './parallel.ts';

/** What became of the days. */
export interface ReplayFigures {
  orders: { asked: number; whole: number; partial: number; refused: number; lines: number };
  units: { ordered: number; shipped: number; short: number; byWarehouse: Record<string, number> };
  returns: { lines: number; units: number; refused: number };
  writeOffs: { lines: number; units: number; refused: number };
  durationMs: number;
}

export interface ReplayOptions {
  client: DemoClient;
  events: readonly DemoEvent[];
  /** Begins the idempotency keys: another run is another shop. */
  runId: string;
  /** Orders in flight at a time. */
  atOnce: number;
  /** How many times faster than life; 0 is as fast as it goes. */
  speed: number;
  onProgress: (done: number, figures: ReplayFigures) => void;
}

/** Lets the days happen again: events begin in the order of time, and several are under way at once. */
export async function replay(options: ReplayOptions): Promise<ReplayFigures> {
  const run = new Replay(options);
  return run.run();
}

interface Reservation {
  id: string;
  lines: { location: string | null; quantity: number; shipped: number }[];
}

interface BulkAnswer {
  results: { ok: boolean }[];
}

class Replay {
  readonly #options: ReplayOptions;
  readonly #figures: ReplayFigures = {
    orders: { asked: 0, whole: 0, partial: 0, refused: 0, lines: 0 },
    units: { ordered: 0, shipped: 0, short: 0, byWarehouse: {} },
    returns: { lines: 0, units: 0, refused: 0 },
    writeOffs: { lines: 0, units: 0, refused: 0 },
    durationMs: 0,
  };
  #done = 0;

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  async run(): Promise<ReplayFigures> {
    const startedMs = performance.now();
    await inParallel(this.#inTime(), this.#options.atOnce, async (event) => {
      await (event.kind === 'order' ? this.#order(event) : this.#correct(event));
      this.#done += 1;
      this.#options.onProgress(this.#done, this.#figures);
    });
    this.#figures.durationMs = Math.round(performance.now() - startedMs);
    return this.#figures;
  }

  async *#inTime(): AsyncGenerator<DemoEvent, void> {
    const { events, speed } = this.#options;
    const startedMs = performance.now();
    const firstMs = events[0]?.atMs ?? 0;
    for (const event of events) {
      const waitMs = speed === 0 ? 0 : (event.atMs - firstMs) / speed - (performance.now() - startedMs);
      if (waitMs > 1) await sleep(waitMs);
      yield event;
    }
  }

  /** Reserve, confirm, ship. Where not all of it is there, what is there goes out, and the rest is lost. */
  async #order(event: DemoEvent): Promise<void> {
    const { orders, units } = this.#figures;
    const wanted = event.lines.reduce((sum, { quantity }) => sum + quantity, 0);
    orders.asked += 1;
    orders.lines += event.lines.length;
    units.ordered += wanted;
    const reservation = await this.#reserve(event);
    const shipped = reservation === null ? 0 : await this.#deliver(event, reservation);
    units.shipped += shipped;
    units.short += wanted - shipped;
    if (reservation === null) orders.refused += 1;
    else if (shipped < wanted) orders.partial += 1;
    else orders.whole += 1;
  }

  async #reserve(event: DemoEvent): Promise<Reservation | null> {
    const near = placeOf(event.country);
    const request = {
      orderId: event.invoice,
      ...(event.customer === null ? {} : { userId: event.customer }),
      lines: event.lines,
      sourcing: near === null ? { split: true } : { strategy: 'nearest', near, split: true },
    };
    const all = await this.#command('reserve', '/reservations', request, `${event.invoice}-all`);
    if (all.status === 201) return all.body as Reservation;
    refuseOther(all, 'insufficient_stock');
    const some = await this.#command(
      'reserve',
      '/reservations',
      { ...request, partial: true },
      `${event.invoice}-some`,
    );
    if (some.status === 201) return some.body as Reservation;
    refuseOther(some, 'insufficient_stock');
    return null;
  }

  /** @returns the units that left */
  async #deliver({ invoice }: DemoEvent, { id }: Reservation): Promise<number> {
    const confirmed = await this.#command('confirm', `/reservations/${id}/confirm`, {}, `${invoice}-confirm`);
    refuseOther(confirmed);
    const shipped = await this.#command('ship', `/reservations/${id}/ship`, {}, `${invoice}-ship`);
    refuseOther(shipped);
    const { byWarehouse } = this.#figures.units;
    let units = 0;
    for (const line of (shipped.body as Reservation).lines) {
      units += line.shipped;
      if (line.location !== null) byWarehouse[line.location] = (byWarehouse[line.location] ?? 0) + line.shipped;
    }
    return units;
  }

  /** What came back, or was written off, at the warehouse that serves that country. */
  async #correct({ kind, invoice, country, lines }: DemoEvent): Promise<void> {
    const isReturn = kind === 'return';
    const figures = isReturn ? this.#figures.returns : this.#figures.writeOffs;
    const what = isReturn ? { type: 'add', movement: 'return' } : { type: 'subtract', movement: 'damage' };
    const reference = { type: 'invoice', id: invoice };
    const location = nearestWarehouse(country).code;
    const adjustments = lines.map((line) => ({ ...line, ...what, location, reference }));
    const answer = await this.#command('adjust', '/adjustments', { adjustments }, `${invoice}-${kind}`);
    refuseOther(answer);
    const { results } = answer.body as BulkAnswer;
    for (const [place, { quantity }] of lines.entries()) {
      figures.lines += 1;
      if (results[place]?.ok === true) figures.units += quantity;
      else figures.refused += 1;
    }
  }

  #command(what: string, path: string, body: object, key: string): Promise<ApiAnswer> {
    const { client, runId } = this.#options;
    return client.command(what, path, body, `demo-${runId}-${key}`);
  }
}

/** Anything but success, or the refusal that a shop expects, is the end of the demo. */
function refuseOther({ status, body }: ApiAnswer, expected?: string): void {
  if (status < 300) return;
  const { code, detail } = (body ?? {}) as { code?: string; detail?: string };
  if (code !== undefined && code === expected) return;
  throw new DemoFailed(`The server answered ${status} ${code ?? ''}: ${detail ?? ''}`);
}
