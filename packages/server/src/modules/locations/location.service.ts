import { isDeepStrictEqual } from 'node:util';
import { stockProblems, type Engine } from '../../engine/index.ts';
import type { Answer, CommandMeta } from '../../kernel/command.ts';
import { toPage, type Page } from '../../kernel/page.ts';
import { refuseOtherVersion, type IfMatch } from '../../kernel/if.match.ts';
import { Problem } from '../../kernel/problem.ts';
import type { Database } from '../../platform/database/index.ts';
import { parseSort } from '../../platform/database/keyset.ts';
import { etagOf } from '../../platform/http/index.ts';
import { resolveAlertsOfLocation } from '../alerts/index.ts';
import { locationProblems } from './location.problems.ts';
import { fieldsAfterPatch, fieldsOfNew } from './location.rules.ts';
import type { LocationPatchBody, LocationQuery, LocationView, NewLocationBody } from './location.schema.ts';
import {
  archiveLocation,
  findLocation,
  findLockedLocation,
  insertLocation,
  isCodeTaken,
  listLocations,
  locationOrder,
  locationPosition,
  stockAt,
  updateLocation,
  type Location,
  type LocationSortField,
} from './location.sql.ts';
import { locationView } from './location.view.ts';

/** @throws Problem `validation_failed`, `duplicate_location` */
export async function createLocation(engine: Engine, body: NewLocationBody, meta: CommandMeta): Promise<Answer> {
  const fields = fieldsOfNew(body);
  return engine.transact(meta, async (tx, now) => {
    const row = await insertLocation(tx, fields, now);
    if (row === undefined) throw duplicateLocation(fields.code);
    const location = locationView(row);
    return {
      status: 201,
      body: location,
      headers: { location: `/api/v1/locations/${location.code}`, etag: etagOf(location.version) },
      journal: [{ kind: 'location.created', subject: location.code, data: location }],
    };
  });
}

/**
 * A patch that changes nothing is answered with the location as it is, and leaves no trace.
 *
 * @throws Problem `location_not_found`, `precondition_failed`, `location_archived`, `duplicate_location`,
 *   `validation_failed`
 */
export async function patchLocation(
  { engine, database }: { engine: Engine; database: Database },
  target: { code: string; ifMatch: IfMatch },
  patch: LocationPatchBody,
  meta: CommandMeta,
): Promise<Answer> {
  const named = await findLocation(database.kysely, target.code);
  return engine.transact(
    meta,
    async (tx, now) => {
      const before = expected(named && (await findLockedLocation(tx, named.id, target.code)), target);
      if (before.archived_at !== null) {
        throw new Problem(stockProblems.locationArchived, `The location ${target.code} is archived for good.`);
      }
      const fields = fieldsAfterPatch(before, patch);
      if (fields.code !== before.code && (await isCodeTaken(tx, fields.code))) throw duplicateLocation(fields.code);

      const isChanged = !isDeepStrictEqual({ ...before, ...fields }, { ...before });
      const location = locationView(isChanged ? await updateLocation(tx, before.id, fields, now) : before);
      return {
        status: 200,
        body: location,
        headers: { etag: etagOf(location.version) },
        journal: isChanged ? [{ kind: 'location.updated', subject: location.code, data: location }] : [],
      };
    },
    lockOf(named),
  );
}

/**
 * Archives a location; an archived one stays as it is.
 *
 * @throws Problem `location_not_found`, `precondition_failed`, `location_in_use`
 */
export async function removeLocation(
  { engine, database }: { engine: Engine; database: Database },
  target: { code: string; ifMatch: IfMatch },
  meta: CommandMeta,
): Promise<Answer> {
  const named = await findLocation(database.kysely, target.code);
  return engine.transact(
    meta,
    async (tx, now) => {
      const before = expected(named && (await findLockedLocation(tx, named.id, target.code)), target);
      if (before.archived_at !== null) return { status: 204, body: null, journal: [] };
      const stock = await stockAt(tx, before.id);
      if (stock.levels > 0) throw locationInUse(target.code, stock);

      const location = locationView(await archiveLocation(tx, before.id, now));
      const resolved = await resolveAlertsOfLocation(tx, before.id, now);
      return {
        status: 204,
        body: null,
        journal: [{ kind: 'location.archived', subject: location.code, data: location }, ...resolved],
      };
    },
    lockOf(named),
  );
}

/** @throws Problem `location_not_found` */
export async function getLocation(database: Database, code: string): Promise<LocationView> {
  const row = await findLocation(database.kysely, code);
  if (row === undefined) throw locationNotFound(code);
  return locationView(row);
}

/** @throws Problem `invalid_cursor` */
export async function pageOfLocations(database: Database, query: LocationQuery): Promise<Page<LocationView>> {
  const { limit, cursor, sort = 'priority', archived = false, active, type } = query;
  const { field, descending } = parseSort<LocationSortField>(sort);
  const list = { route: 'locations', sort, archived, active, type };
  const order = locationOrder(field, descending);
  const rows = await listLocations(database.kysely, { archived, active, type }, order, { list, cursor, limit });
  return toPage(list, limit, rows, (row) => locationPosition(field, row), locationView);
}

/**
 * With the lock no batch of stock is in flight on the location, so that none sees half of the change. Its key is looked
 * up before; a code that is unknown then is refused inside, where a stored answer of the same request goes first: after
 * a rename the old code is unknown, and the repeat of the rename must still answer.
 */
function lockOf(named: Location | undefined): { lockLocation?: number } {
  return named === undefined ? {} : { lockLocation: named.id };
}

function expected(row: Location | undefined, { code, ifMatch }: { code: string; ifMatch: IfMatch }): Location {
  if (row === undefined) throw locationNotFound(code);
  refuseOtherVersion(row.version, ifMatch);
  return row;
}

function locationNotFound(code: string): Problem {
  return new Problem(stockProblems.locationNotFound, `No location has the code ${code}.`);
}

function duplicateLocation(code: string): Problem {
  return new Problem(
    locationProblems.duplicateLocation,
    `A location, perhaps an archived one, already has the code ${code}.`,
  );
}

function locationInUse(code: string, stock: { levels: number; onHand: number; reserved: number; committed: number }) {
  return new Problem(
    locationProblems.locationInUse,
    `${stock.levels} levels at ${code} still hold ${stock.onHand} units on hand, ${stock.reserved} reserved and ${stock.committed} committed. Move or write off the units, and finish or cancel the reservations.`,
  );
}
