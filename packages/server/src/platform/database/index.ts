export { Database, SERVING_ROLE, type DatabaseOptions, type LaneClient } from './database.ts';
export { failureCode, isConflict, isConnectionLost, isLockTimeout, toDatabaseProblem } from './failures.ts';
export { migrate, NewerDatabaseError, pendingMigrations, type MigrationReport } from './migrator.ts';
export type * from './tables.ts';
export { booleanArray, jsonArray, numberArray, textArray, timeArray } from './arrays.ts';
