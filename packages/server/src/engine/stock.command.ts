import type { IfMatch } from '../kernel/if.match.ts';
import type { CommandMeta } from '../kernel/command.ts';
import type { ReservationType } from './reservation.view.ts';

/**
 * What callers can ask of stock. Shapes have been validated by the routes; names are resolved by the engine. Times that
 * come in are milliseconds since the epoch.
 */
export type Command =
  | ReserveCommand
  | ReserveManyCommand
  | ConfirmCommand
  | ShipCommand
  | CancelCommand
  | ReleaseCommand
  | ExtendCommand
  | ChangeLinesCommand
  | ExpireCommand
  | AdjustCommand
  | AdjustManyCommand
  | TransferCommand
  | LevelSettingsCommand
  | UpdateProductCommand
  | ArchiveProductCommand;

export interface LineRequest {
  sku: string;
  quantity: number;
  /** Absent: the server chooses, by `sourcing`. */
  location?: string;
  attributes?: Record<string, unknown> | null;
}

export interface Sourcing {
  strategy?: 'priority' | 'most_available' | 'nearest' | 'fewest_locations';
  split?: boolean;
  near?: { lat: number; lng: number };
  /** Only these places, by code. */
  locations?: string[];
}

/** At most one of the two; neither means the server's default. */
export interface Expiry {
  expiresAt?: number;
  ttlSeconds?: number;
}

export interface ReserveRequest extends Expiry {
  lines: LineRequest[];
  orderId?: string | null;
  userId?: string | null;
  type?: ReservationType;
  sourcing?: Sourcing;
  partial?: boolean;
}

export interface ReserveCommand {
  kind: 'reserve';
  request: ReserveRequest;
}

/** Independent reservations, each accepted or refused on its own; one chunk of `POST /reservations/batch`. */
export interface ReserveManyCommand {
  kind: 'reserveMany';
  requests: ReserveRequest[];
  /** The index of the first one in the whole request. */
  offset: number;
}

export interface ConfirmCommand {
  kind: 'confirm';
  id: string;
  ship: boolean;
}

export interface ShipCommand {
  kind: 'ship';
  id: string;
  /** Absent: all that is open. */
  lines?: { sku: string; location: string; quantity: number }[];
}

export interface CancelCommand {
  kind: 'cancel';
  id: string;
  reason: string | null;
}

/** Cancels one product's open units of a reservation. */
export interface ReleaseCommand {
  kind: 'release';
  id: string;
  sku: string;
}

export interface ExtendCommand extends Expiry {
  kind: 'extend';
  id: string;
}

export interface ChangeLinesCommand {
  kind: 'changeLines';
  id: string;
  lines: LineRequest[];
  sourcing?: Sourcing;
  partial?: boolean;
}

/** The sweeper's: settles a lapsed hold. */
export interface ExpireCommand {
  kind: 'expire';
  id: string;
}

export type AdjustMovement = 'adjustment' | 'receipt' | 'return' | 'damage' | 'theft' | 'spoilage' | 'count';

export interface AdjustRequest {
  sku: string;
  location: string;
  type: 'add' | 'subtract' | 'set';
  quantity: number;
  movement?: AdjustMovement;
  reason?: string | null;
  notes?: string | null;
  reference?: { type: string; id: string } | null;
  unitCost?: number | null;
  lot?: string | null;
  expectedOnHand?: number;
  expectedVersion?: number;
  force?: boolean;
}

export interface AdjustCommand {
  kind: 'adjust';
  request: AdjustRequest;
}

/** One chunk of `POST /adjustments`. `atomic`: all or none. */
export interface AdjustManyCommand {
  kind: 'adjustMany';
  requests: AdjustRequest[];
  atomic: boolean;
  /** The index of the first one in the whole request. */
  offset: number;
}

export interface TransferCommand {
  kind: 'transfer';
  from: string;
  to: string;
  lines: { sku: string; quantity: number }[];
  reference: { type: string; id: string } | null;
}

export interface LevelSettingsPatch {
  reorderPoint?: number | null;
  reorderQuantity?: number | null;
  maxLevel?: number | null;
  safetyStock?: number | null;
  bin?: { zone?: string | null; aisle?: string | null; shelf?: string | null } | null;
}

/** A setting of null follows the product again. */
export interface LevelSettingsCommand {
  kind: 'levelSettings';
  sku: string;
  location: string;
  patch: LevelSettingsPatch;
  ifMatch: IfMatch;
}

export interface ProductPatch {
  sku?: string;
  name?: string;
  description?: string | null;
  category?: string | null;
  attributes?: Record<string, unknown> | null;
  unitCost?: number | null;
  reorderPoint?: number | null;
  reorderQuantity?: number | null;
  maxLevel?: number | null;
  safetyStock?: number | null;
}

export interface UpdateProductCommand {
  kind: 'updateProduct';
  sku: string;
  patch: ProductPatch;
  ifMatch: IfMatch;
}

export interface ArchiveProductCommand {
  kind: 'archiveProduct';
  sku: string;
  ifMatch: IfMatch;
}

/** A command in the queue: what was asked, and by whom. */
export interface Asked {
  command: Command;
  meta: CommandMeta;
}
