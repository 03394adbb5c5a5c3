export { registerInventoryReads } from './inventory.read.routes.ts';
export { LevelSchema } from './level.schema.ts';
