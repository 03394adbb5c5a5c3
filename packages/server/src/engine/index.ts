export { alertView, type AlertFacts, type AlertStatus, type AlertType, type AlertView } from './alert.view.ts';
export type { LedgerEntryFacts, LedgerEntryView, LedgerType } from './ledger.view.ts';
export { LEDGER_TYPES, ledgerEntryView } from './ledger.view.ts';
export type { LevelFacts, LevelView } from './level.view.ts';
export { levelView, shortageOf, shownAvailable } from './level.view.ts';
export type { ProductRow, ProductView } from './product.view.ts';
export { productView } from './product.view.ts';
export type {
  LineView,
  ReservationFacts,
  ReservationStatus,
  ReservationType,
  ReservationView,
} from './reservation.view.ts';
export { reservationView } from './reservation.view.ts';
export type { Changed } from './batch.context.ts';
export { StockEngine, type Engine, type StockEngineOptions } from './stock.engine.ts';
export type * from './stock.command.ts';
export { stockProblems } from './stock.problems.ts';
export { TTL_MAX_SECONDS } from './hold.rules.ts';
export { onceOnly } from './once.only.ts';
export type { Outcome, TransactOptions, Work } from './transact.ts';
export type { BatchReport } from './batch.engine.ts';
export { ExpirySweeper, type SweepReport } from './expiry.sweeper.ts';
export { Housekeeper, type HousekeepingReport } from './housekeeper.ts';
