export { registerLedgerReads } from './ledger.read.routes.ts';
export { LedgerEntrySchema, ReferenceSchema } from './ledger.schema.ts';
