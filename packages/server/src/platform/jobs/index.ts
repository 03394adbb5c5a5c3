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
  RESCUES_MAX,
  TicketQueue,
  type TakenTicket,
  type Ticket,
  type TicketQueueOptions,
} from './ticket.queue.ts';
