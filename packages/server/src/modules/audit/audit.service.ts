import { toRfc3339 } from '../../kernel/clock.ts';
import { boundMs } from '../../kernel/instant.ts';
import { toPage, type Page } from '../../kernel/page.ts';
import type { Database } from '../../platform/database/index.ts';
import type { AuditEntryView, AuditQuery } from './audit.schema.ts';
import { listAudit, type AuditKind, type AuditRow } from './audit.sql.ts';

/** @throws Problem `invalid_cursor` */
export async function pageOfAudit(database: Database, query: AuditQuery): Promise<Page<AuditEntryView>> {
  const { limit, cursor, ...asked } = query;
  const list = { route: 'audit', ...asked };
  const { from, to, ...rest } = asked;
  const filter = {
    ...rest,
    fromMs: from === undefined ? undefined : boundMs(from),
    toMs: to === undefined ? undefined : boundMs(to),
  };
  const rows = await listAudit(database.kysely, filter, { list, cursor, limit });
  return toPage(list, limit, rows, (row) => [row.id], auditEntryView);
}

function auditEntryView(row: AuditRow): AuditEntryView {
  return {
    id: row.id,
    at: toRfc3339(row.at),
    // The statement asks for these kinds alone.
    kind: row.kind as AuditKind,
    actor: row.actor,
    requestId: row.request_id,
    subject: row.subject,
    data: row.data === null ? null : (JSON.parse(row.data) as Record<string, unknown>),
  };
}
