export {
  defineJobType,
  PermanentError,
  RunLostError,
  type JobType,
  type LogLevel,
  type RunContext,
  type RunFile,
} from './job.type.ts';
