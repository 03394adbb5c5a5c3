import { Select } from '@mantine/core';
import type { Location } from '../api/all.locations.ts';
import { choicesOf } from '../api/use.locations.ts';
import { formatNumber } from './num.tsx';

/** More than one looks through; to list 1,000 of them takes a browser half a second, and a quarter for each key. */
const LISTED_MAX = 60;

interface LocationSelectProps {
  label: string;
  locations: readonly Location[];
  value: string | null;
  /** One that is no choice. */
  without?: string | null;
  placeholder?: string;
  'data-field': string;
  onChange: (code: string | null) => void;
}

/** One of the locations, of however many: found by a part of its code or name. */
export function LocationSelect({ locations, value, without = null, ...select }: LocationSelectProps) {
  const data = choicesOf(locations, value).filter((choice) => choice.value !== without);
  const isCut = data.length > LISTED_MAX;
  return (
    <Select
      {...select}
      {...(isCut
        ? { description: `The first ${LISTED_MAX} of ${formatNumber(data.length)}; type for the others.` }
        : {})}
      value={value}
      data={data}
      limit={LISTED_MAX}
      searchable
      required
      nothingFoundMessage="No location is called that"
    />
  );
}
