import { toRfc3339 } from '../kernel/clock.ts';

export type AlertType = 'low_stock' | 'out_of_stock' | 'overstock' | 'shortage';
export type AlertStatus = 'active' | 'acknowledged' | 'resolved';

/** What an alert says, times in milliseconds since the epoch. */
export interface AlertFacts {
  id: string;
  type: AlertType;
  status: AlertStatus;
  sku: string;
  location: string;
  threshold: number | null;
  value: number;
  openedAt: number;
  acknowledgedAt: number | null;
  acknowledgedBy: string | null;
  resolvedAt: number | null;
}

/** An alert as the API and the event stream show it. */
export interface AlertView extends Omit<AlertFacts, 'openedAt' | 'acknowledgedAt' | 'resolvedAt'> {
  openedAt: string;
  acknowledgedAt: string | null;
  resolvedAt: string | null;
}

export function alertView(alert: AlertFacts): AlertView {
  return {
    id: alert.id,
    type: alert.type,
    status: alert.status,
    sku: alert.sku,
    location: alert.location,
    threshold: alert.threshold,
    value: alert.value,
    openedAt: toRfc3339(alert.openedAt),
    acknowledgedAt: alert.acknowledgedAt === null ? null : toRfc3339(alert.acknowledgedAt),
    acknowledgedBy: alert.acknowledgedBy,
    resolvedAt: alert.resolvedAt === null ? null : toRfc3339(alert.resolvedAt),
  };
}
