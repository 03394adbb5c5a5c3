import type { AlertType } from './alert.view.ts';
import { availableUnits, type Alert, type Level } from './stock.state.ts';

/** The bit of each type in a level's `openAlerts`. */
export const ALERT_BITS = { low_stock: 1, out_of_stock: 2, overstock: 4, shortage: 8 } as const satisfies Record<
  AlertType,
  number
>;

const ALERT_TYPES = Object.keys(ALERT_BITS) as AlertType[];

/** What a level's state says of one alert: whether it should be open, and the numbers that say so. */
interface Condition {
  holds: boolean;
  threshold: number | null;
  value: number;
}

/**
 * The alerts that open and resolve with the level as it now is. A level that never had anything available opens
 * neither low_stock nor out_of_stock: it was never in. Those of an archived product or location all resolve.
 *
 * @returns 'unknown' where one resolves and the level's open alerts are not loaded
 */
export function changeAlerts(level: Level, newId: () => string, nowMs: number): Alert[] | 'unknown' {
  if (availableUnits(level) > 0) level.wasAvailable = true;
  const archived = level.product.archivedAt !== null || level.location.archivedAt !== null;
  const changes: Alert[] = [];
  for (const type of ALERT_TYPES) {
    const condition = conditionOf(type, level);
    const isOpen = (level.openAlerts & ALERT_BITS[type]) !== 0;
    const shouldBeOpen = condition.holds && !archived;
    if (isOpen === shouldBeOpen) continue;
    if (isOpen && level.alerts === null) return 'unknown';
    changes.push(shouldBeOpen ? open(level, type, condition, newId(), nowMs) : resolve(level, type, nowMs));
  }
  return changes;
}

function conditionOf(type: AlertType, level: Level): Condition {
  const available = availableUnits(level);
  const shown = Math.max(0, available);
  switch (type) {
    case 'low_stock': {
      const { reorderPoint } = level;
      const holds = reorderPoint !== null && available <= reorderPoint && level.wasAvailable;
      return { holds, threshold: reorderPoint, value: shown };
    }
    case 'out_of_stock':
      return { holds: available <= 0 && level.wasAvailable, threshold: 0, value: shown };
    case 'overstock': {
      const { maxLevel } = level;
      return { holds: maxLevel !== null && level.onHand > maxLevel, threshold: maxLevel, value: level.onHand };
    }
    case 'shortage': {
      const shortage = level.reserved + level.committed - level.onHand;
      return { holds: shortage > 0, threshold: 0, value: Math.max(0, shortage) };
    }
  }
}

function open(level: Level, type: AlertType, condition: Condition, id: string, nowMs: number): Alert {
  const alert: Alert = {
    id,
    type,
    status: 'active',
    level,
    threshold: condition.threshold,
    value: condition.value,
    openedAt: nowMs,
    acknowledgedAt: null,
    acknowledgedBy: null,
    resolvedAt: null,
    isNew: true,
  };
  level.openAlerts |= ALERT_BITS[type];
  level.alerts?.set(type, alert);
  return alert;
}

function resolve(level: Level, type: AlertType, nowMs: number): Alert {
  const alert = level.alerts?.get(type);
  if (alert === undefined) throw new Error(`level ${level.product.sku} has no open ${type} although its bit says so`);
  alert.status = 'resolved';
  alert.resolvedAt = nowMs;
  level.openAlerts &= ~ALERT_BITS[type];
  level.alerts?.delete(type);
  return alert;
}
