export {
  defineJobType,
  PermanentError,
  RunLostError,
  type JobType,
  type LogLevel,
  type RunContext,
  type RunFile,
} from './job.type.ts';
export {
  HEARTBEAT_SECONDS,
  TicketQueue,
  type TakenTicket,
  type Ticket,
  type TicketQueueOptions,
} from './ticket.queue.ts';
export { loadUserTypes, type UserTypes, type UserTypesOptions } from './thread.loader.ts';
export type { CallApi, UserCall } from './thread.run.ts';
