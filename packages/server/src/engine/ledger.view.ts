import { toRfc3339 } from '../kernel/clock.ts';

/** The kinds of movement, in DOMAIN.md's order; the schema's domain `movement_type` lists the same. */
export const LEDGER_TYPES = [
  'receipt',
  'sale',
  'return',
  'adjustment',
  'transfer_out',
  'transfer_in',
  'damage',
  'theft',
  'spoilage',
  'count',
  'opening',
  'reserve',
  'release',
  'expire',
  'commit',
  'uncommit',
] as const;

export type LedgerType = (typeof LEDGER_TYPES)[number];

/** What a ledger entry's row says, with the present names of its product and location. */
export interface LedgerEntryFacts {
  seq: number;
  /** Milliseconds since the epoch. */
  at: number;
  type: LedgerType;
  sku: string;
  location: string;
  deltaOnHand: number;
  deltaReserved: number;
  deltaCommitted: number;
  onHand: number;
  reserved: number;
  committed: number;
  /** Both or neither, by the schema. */
  referenceType: string | null;
  referenceId: string | null;
  reason: string | null;
  notes: string | null;
  unitCost: number | null;
  lot: string | null;
  actor: string;
}

/** A ledger entry as the API and the event stream show it. */
export interface LedgerEntryView {
  seq: number;
  at: string;
  type: LedgerType;
  sku: string;
  location: string;
  deltaOnHand: number;
  deltaReserved: number;
  deltaCommitted: number;
  onHand: number;
  reserved: number;
  committed: number;
  reference: { type: string; id: string } | null;
  reason: string | null;
  notes: string | null;
  unitCost: number | null;
  lot: string | null;
  actor: string;
}

export function ledgerEntryView(entry: LedgerEntryFacts): LedgerEntryView {
  return {
    seq: entry.seq,
    at: toRfc3339(entry.at),
    type: entry.type,
    sku: entry.sku,
    location: entry.location,
    deltaOnHand: entry.deltaOnHand,
    deltaReserved: entry.deltaReserved,
    deltaCommitted: entry.deltaCommitted,
    onHand: entry.onHand,
    reserved: entry.reserved,
    committed: entry.committed,
    reference:
      entry.referenceType === null || entry.referenceId === null
        ? null
        : { type: entry.referenceType, id: entry.referenceId },
    reason: entry.reason,
    notes: entry.notes,
    unitCost: entry.unitCost,
    lot: entry.lot,
    actor: entry.actor,
  };
}
