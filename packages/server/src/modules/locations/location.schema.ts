import { Type, type Static } from 'typebox';
import {
  ATTRIBUTES_MAX_BYTES,
  ATTRIBUTES_MAX_DEPTH,
  Flag,
  FreeForm,
  Latitude,
  LocationCode,
  Longitude,
  Nullable,
  PageOf,
  PageQuery,
  Shape,
  text,
  label,
  Timestamp,
  Version,
  Whole,
  Word,
} from '../../platform/http/schemas.ts';

export const PRIORITY_DEFAULT = 100;
const PRIORITY_MAX = 1_000_000;

const Name = label(200, { description: 'For people.', examples: ['Berlin warehouse'] });
const LocationType = Word(['warehouse', 'store', 'supplier', 'virtual'], {
  description: '`supplier`: one that ships for you. A word for you: it changes no rule.',
  examples: ['warehouse'],
});

/** One line of text, or fields of the caller's own. */
const Address = Type.Unsafe<string | Record<string, unknown> | null>(
  Type.Union(
    [
      text(500, { examples: ['Alexanderplatz 1, 10178 Berlin'] }),
      FreeForm(
        { maxBytes: ATTRIBUTES_MAX_BYTES, maxDepth: ATTRIBUTES_MAX_DEPTH },
        { examples: [{ street: 'Alexanderplatz 1', city: 'Berlin' }] },
      ),
      Type.Null(),
    ],
    { description: 'Text, or an object with fields of your own.', examples: ['Alexanderplatz 1, 10178 Berlin'] },
  ),
);

const priority = (description: string) => Whole(0, PRIORITY_MAX, { description, examples: [100] });
const Active = Type.Boolean({
  description: 'An inactive location keeps its stock and takes no new reservations.',
  examples: [true],
});

const coordinates = {
  lat: Nullable({ ...Latitude, description: 'Degrees north. Without coordinates it comes last by distance.' }),
  lng: Nullable({ ...Longitude, description: 'Degrees east.' }),
};

const optionalFields = {
  address: Type.Optional(Address),
  lat: Type.Optional(coordinates.lat),
  lng: Type.Optional(coordinates.lng),
  priority: Type.Optional(Nullable(priority('Sourcing takes lower ones first. null means 100.'))),
  active: Type.Optional(Active),
};

export const NewLocationBody = Shape(
  { code: LocationCode, name: Name, type: LocationType, ...optionalFields },
  { title: 'NewLocation', description: 'lat and lng are given together or not at all.' },
);
export type NewLocationBody = Static<typeof NewLocationBody>;

export const LocationPatchBody = Shape(
  {
    code: Type.Optional(LocationCode),
    name: Type.Optional(Name),
    type: Type.Optional(LocationType),
    ...optionalFields,
  },
  { title: 'LocationPatch', description: 'What is not given stays; null clears.' },
);
export type LocationPatchBody = Static<typeof LocationPatchBody>;

export const LocationSchema = Shape(
  {
    code: LocationCode,
    name: Name,
    type: LocationType,
    address: Address,
    lat: coordinates.lat,
    lng: coordinates.lng,
    priority: priority('Sourcing takes lower ones first.'),
    active: Active,
    version: Version,
    createdAt: Timestamp,
    updatedAt: Timestamp,
    archivedAt: Nullable({ ...Timestamp, description: 'null while it is in service.', examples: [null] }),
  },
  { title: 'Location' },
);
export type LocationView = Static<typeof LocationSchema>;

export const LocationPage = PageOf(LocationSchema);

export const LocationQuery = Shape({
  ...PageQuery,
  active: Type.Optional({ ...Flag, description: 'Only active ones, or only inactive ones.' }),
  type: Type.Optional({ ...LocationType, description: 'Only locations of this type.' }),
  archived: Type.Optional({ ...Flag, default: false, description: 'The archived ones instead of the others.' }),
  sort: Type.Optional(
    Word(
      ['priority', '-priority', 'code', '-code', 'name', '-name', 'createdAt', '-createdAt', 'updatedAt', '-updatedAt'],
      { default: 'priority', description: 'Ties are in the order of codes.' },
    ),
  ),
});
export type LocationQuery = Static<typeof LocationQuery>;

export const LocationPath = Shape({ code: LocationCode });
