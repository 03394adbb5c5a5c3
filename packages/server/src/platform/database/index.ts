export { Database, SERVING_ROLE, type DatabaseOptions } from './database.ts';
export { DatabaseWatch, type DatabaseWatchOptions } from './database.watch.ts';
export { SentBehindFailure, type LaneConnection, type LaneStatement } from './lane.connection.ts';
export { failureCode, isConflict, isConnectionLost, isLockTimeout, toDatabaseProblem } from './failures.ts';
export { latestMigration, migrate, NewerDatabaseError, pendingMigrations, type MigrationReport } from './migrator.ts';
export { IS_PAUSED, pause, readPause, resume } from './pause.sql.ts';
export type { Connection, ConnectionConfig } from './sessions.ts';
export type * from './job.tables.ts';
export type * from './rate-limit.tables.ts';
export type * from './tables.ts';
export {
  booleanArray,
  joinedJson,
  jsonArray,
  numberArray,
  recordArray,
  secondsOf,
  textArray,
  timeArray,
  type Field,
} from './arrays.ts';
