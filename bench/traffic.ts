import { createRandom, type Pick, pickUniform, pickZipf } from './random.ts';
import { codeSlot, type RequestParts, RequestTemplate, SLOTS, skuSlot } from './request.template.ts';

/** How many levels there are: every product at every location. */
export interface StockSize {
  products: number;
  locations: number;
  /** The number of the first product; 0 where absent. */
  firstProduct?: number;
}

export const skuOf = (product: number): string => `SKU-${String(product).padStart(SLOTS.product.length, '0')}`;
export const codeOf = (location: number): string => `LOC-${String(location).padStart(SLOTS.location.length, '0')}`;

/** `hot` is one level, the first. */
export type Spread = 'spread' | 'zipf' | 'hot';

export interface TrafficOrder {
  kind: 'reserve' | 'cycle' | 'read' | 'batch';
  /** Where a `reserve` is posted to: the real route, the no-op or the usual way. */
  path: string;
  expectedStatus: number;
  spread: Spread;
  stock: StockSize;
  apiKey: string | undefined;
  /** Sends a fresh Idempotency-Key with each call. */
  isIdempotent: boolean;
  /** Different for each run of a scenario, so that no key and no order id is used twice. */
  runNumber: number;
}

/** What one connection sends: `prepare`, send `request`, and `complete` with the answer, over and over. */
export interface Session {
  request: Buffer;
  wantsBody: boolean;
  expectedStatus: number;
  prepare(): void;
  /** Takes the body of an answer of the expected status; gives the operations that it completed. */
  complete(body: Buffer | undefined): number;
}

/** Reservations per call of `POST /reservations/batch`. */
export const BATCH_SIZE = 100;
const ZIPF_EXPONENT = 1;
const MAX_SERIALS_PER_RUN = 10_000_000;
const ID_MARK = '"id":"';
const LINE = `{"sku":"${skuSlot}","location":"${codeSlot}","quantity":1}`;
const RESERVATION = `{"orderId":"order-${SLOTS.serial}","lines":[${LINE}]}`;

/** Makes the sessions of one run; they share the picks and the serial numbers. */
export function createTraffic(order: TrafficOrder): () => Session {
  const draw: Draw = { pick: createPick(order), nextSerial: createSerials(order.runNumber), order };
  switch (order.kind) {
    case 'reserve':
      return () => reserveSession(draw);
    case 'cycle':
      return () => cycleSession(draw);
    case 'read':
      return () => readSession(draw);
    case 'batch':
      return () => batchSession(draw);
  }
}

interface Draw {
  pick: Pick;
  nextSerial: () => number;
  order: TrafficOrder;
}

function createPick({ spread, stock, runNumber }: TrafficOrder): Pick {
  const levels = stock.products * stock.locations;
  if (spread === 'hot') return () => 0;
  if (spread === 'spread') return pickUniform(levels, createRandom(runNumber));
  return pickZipf(levels, ZIPF_EXPONENT, createRandom(runNumber));
}

function createSerials(runNumber: number): () => number {
  let serial = runNumber * MAX_SERIALS_PER_RUN;
  return () => (serial += 1);
}

function template(draw: Draw, parts: Omit<RequestParts, 'apiKey' | 'idempotencyKey'>): RequestTemplate {
  const { apiKey, isIdempotent } = draw.order;
  const idempotencyKey = isIdempotent && parts.method === 'POST' ? `bench-${SLOTS.serial}` : undefined;
  return new RequestTemplate({ ...parts, apiKey, idempotencyKey });
}

function aim(request: RequestTemplate, draw: Draw, nth: number): void {
  const level = draw.pick();
  const { locations, firstProduct = 0 } = draw.order.stock;
  request.setNumber('product', nth, firstProduct + Math.floor(level / locations));
  request.setNumber('location', nth, level % locations);
}

/** Gives the idempotency key and each order id of a request a number of its own. */
function number(request: RequestTemplate, draw: Draw): void {
  const slots = request.count('serial');
  for (let nth = 0; nth < slots; nth += 1) request.setNumber('serial', nth, draw.nextSerial());
}

function reserveSession(draw: Draw): Session {
  const reserve = template(draw, { method: 'POST', path: draw.order.path, body: RESERVATION });
  return {
    request: reserve.bytes,
    wantsBody: false,
    expectedStatus: draw.order.expectedStatus,
    prepare: () => {
      number(reserve, draw);
      aim(reserve, draw, 0);
    },
    complete: () => 1,
  };
}

function readSession(draw: Draw): Session {
  const path = `/api/v1/inventory/${skuSlot}/locations/${codeSlot}`;
  const read = template(draw, { method: 'GET', path, body: undefined });
  return {
    request: read.bytes,
    wantsBody: false,
    expectedStatus: 200,
    prepare: () => aim(read, draw, 0),
    complete: () => 1,
  };
}

function batchSession(draw: Draw): Session {
  const body = `{"reservations":[${Array.from({ length: BATCH_SIZE }, () => RESERVATION).join(',')}]}`;
  const batch = template(draw, { method: 'POST', path: `${draw.order.path}/batch`, body });
  return {
    request: batch.bytes,
    wantsBody: true,
    expectedStatus: 200,
    prepare: () => {
      number(batch, draw);
      for (let nth = 0; nth < BATCH_SIZE; nth += 1) aim(batch, draw, nth);
    },
    complete: (answer) => {
      if (answer?.includes(`"succeeded":${BATCH_SIZE},`) !== true) {
        throw new Error(`a batch did not succeed as a whole: ${answer?.toString('utf8', 0, 300) ?? ''}`);
      }
      return BATCH_SIZE;
    },
  };
}

/** Reserve, confirm, ship, and again. One operation is the whole cycle. */
function cycleSession(draw: Draw): Session {
  const { path } = draw.order;
  const reserve = template(draw, { method: 'POST', path, body: RESERVATION });
  const confirm = template(draw, { method: 'POST', path: `${path}/${SLOTS.id}/confirm`, body: '{}' });
  const ship = template(draw, { method: 'POST', path: `${path}/${SLOTS.id}/ship`, body: '{}' });
  const steps = [reserve, confirm, ship] as const;
  let step = 0;
  const session: Session = {
    request: reserve.bytes,
    wantsBody: true,
    expectedStatus: 201,
    prepare: () => {
      const next = steps[step] ?? reserve;
      session.request = next.bytes;
      session.wantsBody = step === 0;
      session.expectedStatus = step === 0 ? 201 : 200;
      number(next, draw);
      if (step === 0) aim(reserve, draw, 0);
    },
    complete: (answer) => {
      if (step === 0) {
        const id = idIn(answer);
        confirm.setText('id', id);
        ship.setText('id', id);
      }
      step = (step + 1) % steps.length;
      return step === 0 ? 1 : 0;
    },
  };
  return session;
}

function idIn(answer: Buffer | undefined): string {
  const at = answer?.indexOf(ID_MARK) ?? -1;
  if (answer === undefined || at < 0) throw new Error('a reservation without an id');
  return answer.toString('latin1', at + ID_MARK.length, at + ID_MARK.length + SLOTS.id.length);
}
