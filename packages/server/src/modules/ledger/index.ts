export { registerLedgerReads } from './ledger.read.routes.ts';
export { LedgerEntrySchema } from './ledger.schema.ts';
