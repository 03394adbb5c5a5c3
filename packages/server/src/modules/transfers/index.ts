export { registerTransfersReads } from './transfer.read.routes.ts';
export { TransferSchema } from './transfer.schema.ts';
