import { validationFailed } from '../../kernel/problem.ts';
import { PRIORITY_DEFAULT, type LocationPatchBody, type NewLocationBody } from './location.schema.ts';
import type { Location, LocationFields } from './location.sql.ts';

/** @throws Problem `validation_failed` */
export function fieldsOfNew(body: NewLocationBody): LocationFields {
  return withPairedCoordinates({
    code: body.code,
    name: body.name,
    type: body.type,
    address: body.address ?? null,
    lat: body.lat ?? null,
    lng: body.lng ?? null,
    priority: body.priority ?? PRIORITY_DEFAULT,
    active: body.active ?? true,
  });
}

/**
 * The location as the patch leaves it: what is not given stays, null clears.
 *
 * @throws Problem `validation_failed`
 */
export function fieldsAfterPatch(row: Location, patch: LocationPatchBody): LocationFields {
  return withPairedCoordinates({
    code: patch.code ?? row.code,
    name: patch.name ?? row.name,
    type: patch.type ?? row.type,
    address: patch.address === undefined ? (row.address as LocationFields['address']) : patch.address,
    lat: patch.lat === undefined ? row.lat : patch.lat,
    lng: patch.lng === undefined ? row.lng : patch.lng,
    priority: patch.priority === undefined ? row.priority : (patch.priority ?? PRIORITY_DEFAULT),
    active: patch.active ?? row.active,
  });
}

/** Half a place on the map is none: sourcing by distance needs both. */
function withPairedCoordinates(fields: LocationFields): LocationFields {
  if (fields.lat !== null && fields.lng === null) {
    throw validationFailed([{ path: '/lng', message: 'must be given together with lat' }]);
  }
  if (fields.lng !== null && fields.lat === null) {
    throw validationFailed([{ path: '/lat', message: 'must be given together with lng' }]);
  }
  return fields;
}
