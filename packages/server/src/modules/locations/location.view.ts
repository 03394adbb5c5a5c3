import { toRfc3339 } from '../../kernel/clock.ts';
import type { LocationView } from './location.schema.ts';
import type { Location } from './location.sql.ts';

export function locationView(row: Location): LocationView {
  return {
    code: row.code,
    name: row.name,
    type: row.type,
    address: row.address as LocationView['address'],
    lat: row.lat,
    lng: row.lng,
    priority: row.priority,
    active: row.active,
    version: row.version,
    createdAt: toRfc3339(row.created_at),
    updatedAt: toRfc3339(row.updated_at),
    archivedAt: row.archived_at === null ? null : toRfc3339(row.archived_at),
  };
}
