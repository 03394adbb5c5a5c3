import { parse } from 'csv-parse';
import { createReadStream } from 'node:fs';

/** A product of the catalog, put together from all lines that name it. */
export interface DemoProduct {
  sku: string;
  name: string;
  /** The median of its prices; null where it was only ever given away. */
  price: number | null;
}

export interface DemoLine {
  sku: string;
  quantity: number;
}

/** An invoice: goods that were ordered, came back, or were written off. */
export interface DemoEvent {
  kind: 'order' | 'return' | 'writeOff';
  invoice: string;
  atMs: number;
  customer: string | null;
  country: string;
  lines: DemoLine[];
}

export interface DemoDataset {
  products: DemoProduct[];
  /** In the order of time. */
  events: DemoEvent[];
  linesRead: number;
  /** Lines that are no goods, by what they are. */
  skipped: Record<string, number>;
}

interface Row {
  InvoiceNo: string;
  StockCode: string;
  Description: string;
  Quantity: string;
  InvoiceDate: string;
  UnitPrice: string;
  CustomerID: string;
  Country: string;
}

/** Goods are five digits, and a letter or two for the variant. POST, D, M, DOT, BANK CHARGES and their like are not. */
const GOODS = /^\d{5}[A-Z]{0,2}$/;

/**
 * Reads the invoices. The letters of a stock code are written in either case, for the same goods: they become capitals.
 * Descriptions vary and are missing: the most frequent one is taken.
 */
export async function readDataset(path: string): Promise<DemoDataset> {
  const catalog = new Map<string, Gathered>();
  const events = new Map<string, DemoEvent>();
  const skipped: Record<string, number> = {};
  let linesRead = 0;
  const parser = createReadStream(path).pipe(parse({ columns: true, bom: true }));
  for await (const row of parser as AsyncIterable<Row>) {
    linesRead += 1;
    const sku = row.StockCode.trim().toUpperCase();
    const quantity = Number(row.Quantity);
    if (!GOODS.test(sku) || !Number.isInteger(quantity) || quantity === 0) {
      skipped[row.StockCode] = (skipped[row.StockCode] ?? 0) + 1;
      continue;
    }
    gather(catalog, sku, row);
    const event = eventOf(row, quantity);
    const known = events.get(event.invoice + event.kind) ?? event;
    events.set(event.invoice + event.kind, known);
    // The same product twice in an order stays two lines.
    known.lines.push({ sku, quantity: Math.abs(quantity) });
  }
  const inTime = [...events.values()].sort((left, right) => left.atMs - right.atMs);
  return { products: [...catalog].map(toProduct), events: inTime, linesRead, skipped };
}

/** `C` before the number: a cancellation, goods that came back. Without it, fewer than none are a write-off. */
function eventOf(row: Row, quantity: number): DemoEvent {
  const kind = row.InvoiceNo.startsWith('C') ? 'return' : quantity < 0 ? 'writeOff' : 'order';
  return {
    kind,
    invoice: row.InvoiceNo,
    atMs: Date.parse(row.InvoiceDate),
    customer: row.CustomerID.trim() === '' ? null : row.CustomerID.trim(),
    country: row.Country.trim(),
    lines: [],
  };
}

interface Gathered {
  names: Map<string, number>;
  prices: number[];
}

function gather(catalog: Map<string, Gathered>, sku: string, row: Row): void {
  const known = catalog.get(sku) ?? { names: new Map<string, number>(), prices: [] };
  catalog.set(sku, known);
  const name = row.Description.trim();
  const price = Number(row.UnitPrice);
  // What has no price is a note of the warehouse, such as "damages".
  if (price > 0 && name !== '') known.names.set(name, (known.names.get(name) ?? 0) + 1);
  if (price > 0) known.prices.push(price);
}

function toProduct([sku, { names, prices }]: [string, Gathered]): DemoProduct {
  const [best] = [...names].sort(([, left], [, right]) => right - left);
  return { sku, name: best?.[0] ?? `Item ${sku}`, price: median(prices) };
}

function median(values: number[]): number | null {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  return middle === undefined ? null : Math.round(middle * 10_000) / 10_000;
}

/** The beginning of the data: everything up to the last of so many orders, and the products that it names. */
export function firstOrders(data: DemoDataset, count: number): DemoDataset {
  let orders = 0;
  const events = data.events.filter(({ kind }) => {
    if (kind === 'order') orders += 1;
    return orders <= count;
  });
  const named = new Set(events.flatMap(({ lines }) => lines.map(({ sku }) => sku)));
  return { ...data, events, products: data.products.filter(({ sku }) => named.has(sku)) };
}
