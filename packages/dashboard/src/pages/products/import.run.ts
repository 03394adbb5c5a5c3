import { HoldfastError } from '@holdfast/client';
import { holdfast } from '../../api/holdfast.ts';
import type { ImportedRow, RefusedRow } from './import.rules.ts';

export interface ImportProgress {
  done: number;
  made: number;
  stocked: number;
  refused: RefusedRow[];
}

const CHUNK = 500;

/**
 * Makes products in chunks, and sets their units on hand at a location where there are any. A chunk is one request with a
 * key of its own, so that a lost answer is asked for again and done once.
 *
 * @throws HoldfastError where the server takes nothing at all; what was done by then is done
 */
export async function runImport(
  rows: readonly ImportedRow[],
  location: string | null,
  signal: AbortSignal,
  onProgress: (progress: ImportProgress) => void,
): Promise<ImportProgress> {
  let progress: ImportProgress = { done: 0, made: 0, stocked: 0, refused: [] };
  for (let from = 0; from < rows.length && !signal.aborted; from += CHUNK) {
    const chunk = rows.slice(from, from + CHUNK);
    const products = await makeProducts(chunk);
    const stock = location === null ? NOTHING : await setStock(chunk, location, products.refused);
    progress = {
      done: from + chunk.length,
      made: progress.made + products.succeeded,
      stocked: progress.stocked + stock.succeeded,
      refused: [...progress.refused, ...products.refused, ...stock.refused],
    };
    onProgress(progress);
  }
  return progress;
}

interface Outcome {
  succeeded: number;
  refused: RefusedRow[];
}

const NOTHING: Outcome = { succeeded: 0, refused: [] };

async function makeProducts(chunk: readonly ImportedRow[]): Promise<Outcome> {
  const { data } = await holdfast.POST('/api/v1/products/batch', {
    body: { products: chunk.map(({ product }) => product) },
  });
  if (data === undefined) throw new HoldfastError(0, null, null);
  const refused = data.results.flatMap(({ index, ok, error }) => refusalOf(chunk[index], ok, error?.detail));
  return { succeeded: data.succeeded, refused };
}

/** Also of products that were there already: a file that is imported again sets the same numbers. */
async function setStock(
  chunk: readonly ImportedRow[],
  location: string,
  refused: readonly RefusedRow[],
): Promise<Outcome> {
  const lost = new Set(refused.filter(({ reason }) => !reason.includes('already')).map(({ sku }) => sku));
  const counted = chunk.filter(({ opening, product }) => opening !== null && !lost.has(product.sku));
  if (counted.length === 0) return NOTHING;
  const { data } = await holdfast.POST('/api/v1/adjustments', {
    body: {
      adjustments: counted.map(({ product, opening }) => ({
        sku: product.sku,
        location,
        type: 'set' as const,
        quantity: opening ?? 0,
        movement: 'count' as const,
        reason: 'import',
      })),
    },
  });
  if (data === undefined) throw new HoldfastError(0, null, null);
  const failures = data.results.flatMap(({ index, ok, error }) => {
    const detail = (error as { detail?: unknown } | undefined)?.detail;
    return refusalOf(counted[index], ok, typeof detail === 'string' ? detail : undefined);
  });
  return { succeeded: data.succeeded, refused: failures };
}

function refusalOf(row: ImportedRow | undefined, ok: boolean, detail: string | undefined): RefusedRow[] {
  if (ok || row === undefined) return [];
  return [{ line: row.line, sku: row.product.sku, reason: detail ?? 'the server refused it' }];
}
