import { ImportRefused } from './import.refused.ts';
import type { Wording } from './import.wording.ts';

/** A field that a row may have, and what columns of it are called by others. */
export interface Field {
  name: string;
  isRequired?: boolean;
  /** Compared without case, blanks and punctuation. */
  aliases: readonly string[];
}

/** Where each field's column is. */
export type Mapping = ReadonlyMap<string, number>;

/**
 * Finds the column of each field: the one that was asked for, or the one that has its name or one of its aliases. Columns
 * that are nobody's are left alone.
 *
 * @param asked `field=Column` as given, by field
 * @throws ImportRefused
 */
export function mapColumns(
  fields: readonly Field[],
  header: readonly string[],
  asked: ReadonlyMap<string, string>,
  wording: Wording,
  supplied: ReadonlySet<string> = new Set(),
): Mapping {
  const names = header.map((name) => name.trim());
  const mapping = new Map<string, number>();
  for (const [field, column] of asked) {
    if (!fields.some(({ name }) => name === field)) {
      throw new ImportRefused(
        `There is no field ${field} to map; there are ${fields.map(({ name }) => name).join(', ')}.`,
      );
    }
    const place = onlyPlace(names, (name) => name === column);
    if (place === null) throw new ImportRefused(`The file has no column ${column}; it has ${names.join(', ')}.`);
    mapping.set(field, place);
  }
  const taken = new Set(mapping.values());
  for (const { name, aliases } of fields) {
    if (mapping.has(name)) continue;
    for (const alias of [name, ...aliases]) {
      const place = onlyPlace(names, (column) => plain(column) === plain(alias));
      if (place === null || taken.has(place)) continue;
      mapping.set(name, place);
      taken.add(place);
      break;
    }
  }
  const missing = fields.filter(
    ({ name, isRequired }) => isRequired === true && !mapping.has(name) && !supplied.has(name),
  );
  if (missing.length > 0) {
    const hints = missing.map(({ name }) => wording.column(name)).join(' ');
    throw new ImportRefused(
      `No column of ${names.join(', ')} is called ${missing[0]?.name}: say which it is, ${hints}.`,
    );
  }
  return mapping;
}

/** @throws ImportRefused where several columns have the name */
function onlyPlace(names: readonly string[], fits: (name: string) => boolean): number | null {
  const places = names.flatMap((name, place) => (fits(name) ? [place] : []));
  if (places.length > 1) throw new ImportRefused(`${places.length} columns are called ${names[places[0] ?? 0]}.`);
  return places[0] ?? null;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{Letter}\p{Number}]/gu, '');
}
