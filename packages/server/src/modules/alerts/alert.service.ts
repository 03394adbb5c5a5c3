import type { Transaction } from 'kysely';
import { alertView, type AlertView, type Engine, type Outcome } from '../../engine/index.ts';
import type { Answer, CommandMeta } from '../../kernel/command.ts';
import { toPage, type Page } from '../../kernel/page.ts';
import { Problem } from '../../kernel/problem.ts';
import type { Database, Tables } from '../../platform/database/index.ts';
import { alertProblems } from './alert.problems.ts';
import { ALERT_TRANSITIONS } from './alert.rules.ts';
import type { AlertQuery } from './alert.schema.ts';
import {
  acknowledgeAlerts,
  alertOrder,
  findAlert,
  listAlerts,
  lockAlerts,
  resolveAlertsAt,
  type Alert,
} from './alert.sql.ts';

type JournalDraft = Outcome['journal'][number];

/** @throws Problem `alert_not_found` */
export async function getAlert(database: Database, id: string): Promise<AlertView> {
  const row = await findAlert(database.kysely, id);
  if (row === undefined) throw alertNotFound([id]);
  return viewOf(row);
}

/** @throws Problem `invalid_cursor` */
export async function pageOfAlerts(database: Database, query: AlertQuery): Promise<Page<AlertView>> {
  const { limit, cursor, sort = '-openedAt', status, type, location, sku } = query;
  const filter = { status, type, location, sku };
  const list = { route: 'alerts', sort, ...filter };
  const rows = await listAlerts(database.kysely, filter, alertOrder(sort === '-openedAt'), { list, cursor, limit });
  return toPage(list, limit, rows, (row) => [row.id], viewOf);
}

/** @throws Problem `alert_not_found`, `invalid_transition` */
export async function acknowledgeAlert(engine: Engine, id: string, meta: CommandMeta): Promise<Answer> {
  return engine.transact(meta, async (tx, now) => {
    const [alert] = await lockAlerts(tx, [id]);
    if (alert === undefined) throw alertNotFound([id]);
    if (ALERT_TRANSITIONS[alert.status].acknowledge === undefined) throw alreadyResolved(alert);
    if (alert.status === 'acknowledged') return { status: 200, body: viewOf(alert), journal: [] };

    await acknowledgeAlerts(tx, [id], meta.actor, now);
    const view = acknowledgedView(alert, meta.actor, now);
    return { status: 200, body: view, journal: [acknowledged(view)] };
  });
}

/**
 * Acknowledges those that are active; the others stay as they are. An id that does not exist refuses them all.
 *
 * @throws Problem `alert_not_found`
 */
export async function acknowledgeMany(engine: Engine, ids: readonly string[], meta: CommandMeta): Promise<Answer> {
  return engine.transact(meta, async (tx, now) => {
    const alerts = await lockAlerts(tx, ids);
    const known = new Set(alerts.map(({ id }) => id));
    const unknown = ids.filter((id) => !known.has(id));
    if (unknown.length > 0) throw alertNotFound(unknown);

    const active = alerts.filter(({ status }) => status === 'active');
    await acknowledgeAlerts(
      tx,
      active.map(({ id }) => id),
      meta.actor,
      now,
    );
    return {
      status: 200,
      body: { acknowledged: active.length },
      journal: active.map((alert) => acknowledged(acknowledgedView(alert, meta.actor, now))),
    };
  });
}

/** What is open at a location that is being archived is resolved with it: the journal's entries of that. */
export async function resolveAlertsOfLocation(
  tx: Transaction<Tables>,
  locationId: number,
  nowMs: number,
): Promise<JournalDraft[]> {
  const resolved = await resolveAlertsAt(tx, locationId, nowMs);
  return resolved.map((alert) => ({ kind: 'alert.resolved', subject: alert.id, data: viewOf(alert) }));
}

function acknowledgedView(alert: Alert, actor: string, nowMs: number): AlertView {
  return viewOf({ ...alert, status: 'acknowledged', acknowledged_at: nowMs, acknowledged_by: actor });
}

function acknowledged(view: AlertView): JournalDraft {
  return { kind: 'alert.acknowledged', subject: view.id, data: view };
}

function viewOf(row: Alert): AlertView {
  return alertView({
    ...row,
    openedAt: row.opened_at,
    acknowledgedAt: row.acknowledged_at,
    acknowledgedBy: row.acknowledged_by,
    resolvedAt: row.resolved_at,
  });
}

function alertNotFound(ids: readonly string[]): Problem {
  const [first] = ids;
  const others = ids.length > 1 ? `, nor any of ${ids.length - 1} others` : '';
  return new Problem(alertProblems.alertNotFound, `No alert has the id ${first}${others}. Nothing was changed.`);
}

function alreadyResolved(alert: Alert): Problem {
  return new Problem(
    alertProblems.invalidTransition,
    `The alert is resolved since ${viewOf(alert).resolvedAt}: there is nothing left to acknowledge.`,
  );
}
