import { ledgerEntryView } from '../../engine/index.ts';
import { toRfc3339 } from '../../kernel/clock.ts';
import { STOCK_CHANGED, type EventType, type StreamEvent } from './event.types.ts';
import type { JournalRow, LedgerRow } from './stream.sql.ts';

/** Whose events they are: a URI-reference, as CloudEvents asks for. */
export const EVENT_SOURCE = '/holdfast';

/** A ledger entry as an event. */
export function stockChanged(row: LedgerRow): StreamEvent {
  const { position, ...facts } = row;
  const entry = ledgerEntryView({ ...facts, unitCost: facts.unitCost === null ? null : Number(facts.unitCost) });
  const event = { position, type: STOCK_CHANGED, subject: row.sku, time: entry.at } as const;
  return {
    ...event,
    topics: [`product:${row.sku}`, `location:${row.location}`],
    json: cloudEvent({ ...event, actor: row.actor, data: JSON.stringify(entry) }),
  };
}

/** A journal entry as an event. */
export function journalEvent(row: JournalRow): StreamEvent {
  // The statement asks for these kinds alone.
  const type = row.kind as EventType;
  const data = row.data === null ? null : (JSON.parse(row.data) as Subject);
  const subject = subjectOf(type, row.subject, data);
  const event = { position: row.position, type, subject, time: toRfc3339(row.at) };
  return {
    ...event,
    topics: topicsOf(type, row.subject, data),
    json: cloudEvent({ ...event, actor: row.actor, data: row.data ?? 'null' }),
  };
}

/** The members of resources that say whom an event concerns. */
interface Subject {
  sku?: string;
  code?: string;
  location?: string | null;
  from?: string;
  to?: string;
  lines?: Subject[];
  /** Of a run. */
  job?: { id?: string };
}

function subjectOf(type: EventType, subject: string, data: Subject | null): string {
  return type === 'level.updated' ? (data?.sku ?? subject) : subject;
}

function topicsOf(type: EventType, subject: string, data: Subject | null): string[] {
  const topics = new Set<string>();
  if (type.startsWith('reservation.')) topics.add('reservations');
  if (type.startsWith('alert.')) topics.add('alerts');
  if (type.startsWith('rate_limit.')) topics.add('rate-limits');
  if (type.startsWith('run.')) topics.add('jobs');
  if (typeof data?.job?.id === 'string') topics.add(`job:${data.job.id}`);
  if (type.startsWith('product.')) topics.add(`product:${subject}`);
  if (type.startsWith('location.')) topics.add(`location:${subject}`);
  for (const { sku, location, from, to } of data === null ? [] : [data, ...(data.lines ?? [])]) {
    if (sku !== undefined) topics.add(`product:${sku}`);
    for (const code of [location, from, to]) if (typeof code === 'string') topics.add(`location:${code}`);
  }
  return [...topics];
}

interface Attributes {
  type: EventType;
  subject: string;
  time: string;
  position: number;
  actor: string;
  /** JSON text. */
  data: string;
}

/**
 * What names an event for ever. Its number would not: one that a failover lost comes again, for another entry, while a
 * position never does (migrations/0002_events.sql). A webhook's message has the same name.
 */
function eventId(position: number): string {
  return `evt_${position}`;
}

/** CloudEvents 1.0, JSON format. `position` and `actor` are extension attributes. */
function cloudEvent({ data, ...attributes }: Attributes): string {
  const { type, subject, time, position, actor } = attributes;
  const head = { specversion: '1.0', id: eventId(position), source: EVENT_SOURCE, type, subject, time };
  const envelope = JSON.stringify({ ...head, datacontenttype: 'application/json', position, actor });
  return `${envelope.slice(0, -1)},"data":${data}}`;
}
