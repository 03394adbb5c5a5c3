/** The commands of the model, as data: each is one request of the HTTP API, its body spelled as API.md spells it. */

export type LineBody = { sku: string; quantity: number; location?: string };

export type Strategy = 'priority' | 'most_available' | 'nearest' | 'fewest_locations';

export type SourcingBody = {
  strategy?: Strategy;
  split?: boolean;
  near?: { lat: number; lng: number };
  locations?: string[];
};

export type ExpiryBody = { ttlSeconds?: number; expiresAt?: string };

export type ReserveBody = ExpiryBody & {
  lines: LineBody[];
  sourcing?: SourcingBody;
  partial?: boolean;
  type?: 'order' | 'cart' | 'manual';
  orderId?: string;
};

export type ReserveOneBody = Omit<LineBody, 'sku'> & { ttlSeconds?: number; type?: 'order' | 'cart' | 'manual' };

export type ChangeLinesBody = { lines: LineBody[]; sourcing?: SourcingBody; partial?: boolean };

export type ShipLine = { sku: string; location: string; quantity: number };

export type AdjustBody = {
  location: string;
  type: 'add' | 'subtract' | 'set';
  quantity: number;
  movement?: 'adjustment' | 'receipt' | 'return' | 'damage' | 'theft' | 'spoilage' | 'count';
  reason?: string;
  reference?: { type: string; id: string };
  expectedOnHand?: number;
  expectedVersion?: number;
  force?: boolean;
};

export type AdjustItem = AdjustBody & { sku: string };

export type SettingsBody = {
  reorderPoint?: number | null;
  reorderQuantity?: number | null;
  maxLevel?: number | null;
  safetyStock?: number | null;
};

export type LocationBody = { priority?: number; active?: boolean; lat?: number | null; lng?: number | null };

export type TransferBody = { from: string; to: string; lines: { sku: string; quantity: number }[]; mode?: 'immediate' };

/** `id` names a reservation: its id in a command, a pick among the known ones in a generated template. */
export type CommandOf<Id> =
  | { op: 'reserve'; body: ReserveBody }
  | { op: 'reserveOne'; sku: string; body: ReserveOneBody }
  | { op: 'reserveBatch'; body: { reservations: ReserveBody[] } }
  | { op: 'confirm'; id: Id; body: { ship?: boolean } }
  | { op: 'ship'; id: Id; body: { lines?: ShipLine[] } }
  | { op: 'cancel'; id: Id; body: { reason?: string } }
  | { op: 'release'; sku: string; body: { reservationId: Id } }
  | { op: 'extend'; id: Id; body: ExpiryBody }
  | { op: 'changeLines'; id: Id; body: ChangeLinesBody }
  | { op: 'adjust'; sku: string; body: AdjustBody }
  | { op: 'bulkAdjust'; body: { adjustments: AdjustItem[]; atomic?: boolean } }
  | { op: 'transfer'; body: TransferBody }
  | { op: 'levelSettings'; sku: string; location: string; body: SettingsBody }
  | { op: 'updateProduct'; sku: string; body: SettingsBody }
  | { op: 'archiveProduct'; sku: string }
  | { op: 'updateLocation'; code: string; body: LocationBody };

export type Command = CommandOf<string> & { idempotencyKey?: string };

export type Op = Command['op'];

/** An answer of the system under test, as it came over HTTP. */
export type Answer = { status: number; replayed: boolean; body: unknown };

/** What the specification leaves open and the model takes from the answer: new ids, and which way a free choice went. */
export type Observed = { ids: string[]; replayed: boolean; code: string | null };

export type LineView = {
  sku: string;
  location: string | null;
  quantity: number;
  requested: number;
  shipped: number;
  cancelled: number;
};

export type ReservationStatus = 'pending' | 'confirmed' | 'shipped' | 'cancelled' | 'expired';

export type ReservationView = { id: string; status: ReservationStatus; lines: LineView[] };

export type LevelView = {
  sku: string;
  location: string;
  onHand: number;
  reserved: number;
  committed: number;
  safetyStock: number;
  available: number;
  shortage: number;
  reorderPoint: number | null;
  reorderQuantity: number | null;
  maxLevel: number | null;
  /** Of its location; no part of the API's level. */
  active: boolean;
};

export type EntryView = {
  type: string;
  deltaOnHand: number;
  deltaReserved: number;
  deltaCommitted: number;
  onHand: number;
  reserved: number;
  committed: number;
  reference: { type: string; id: string } | null;
};

export type ShortLine = { sku: string; location: string | null; requested: number; available: number };

/** One answer, or one item of a batch's answer, as the model expects it. */
export type Outcome =
  | {
      ok: true;
      status: number;
      /** False where the answer repeats what already was: the specification leaves open whether a key keeps it. */
      changed: boolean;
      body: OutcomeBody;
    }
  | Refusal;

export type Refusal = {
  ok: false;
  /** Any of these: the specification does not order the refusals among themselves. */
  codes: string[];
  /** Where it is not that of the code: "with a refusal 409 with its code". */
  status?: number;
  /** The short levels of a refused reserve, where the specification fixes them. */
  lines?: ShortLine[];
  /** The first refused item of an atomic bulk. */
  index?: number;
  /** True where answering 200 and changing nothing is as good a reading of the specification. */
  orUnchanged?: boolean;
};

export type OutcomeBody =
  | { kind: 'none' }
  | { kind: 'reservation'; reservation: ReservationView }
  | { kind: 'movement'; movement: EntryView; level: LevelView }
  | { kind: 'level'; level: LevelView }
  | { kind: 'results'; results: Outcome[] }
  /** A repeat of a keyed command: the stored answer word for word. */
  | { kind: 'replay'; of: number };

/** The HTTP status that goes with a problem code. */
export function statusOfCode(code: string): number {
  if (code === 'validation_failed') return 400;
  if (code === 'idempotency_key_reused') return 422;
  return code.endsWith('_not_found') ? 404 : 409;
}

export const refuse = (...codes: string[]): Refusal => ({ ok: false, codes });
