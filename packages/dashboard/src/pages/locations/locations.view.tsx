import { useState } from 'react';
import { Button } from '@mantine/core';
import { useGet, type Answer } from '../../api/queries.ts';
import { usePages } from '../../api/use.pages.ts';
import { useMay } from '../../api/use.session.ts';
import { DataTable, type Column } from '../../ui/data.table.tsx';
import { EmptyState } from '../../ui/empty.state.tsx';
import { FilterBar } from '../../ui/filter.bar.tsx';
import { Icon } from '../../ui/icon.tsx';
import { Num } from '../../ui/num.tsx';
import { PageHeader } from '../../ui/page.header.tsx';
import { pick, useFilters } from '../../ui/use.filters.ts';
import { ActiveState } from './active.state.tsx';
import { LocationDetail } from './location.detail.tsx';
import { LocationForm } from './location.form.tsx';
import { TYPE_WORDS, type Location } from './location.words.ts';

type Figures = Answer<'/api/v1/summary'>['locations'][number];

const FILTERS = [
  {
    name: 'active',
    label: 'Active',
    options: [
      { value: 'true', label: 'Yes' },
      { value: 'false', label: 'No' },
    ],
  },
  { name: 'archived', label: 'Archived', options: [{ value: 'true', label: 'Yes' }] },
];

function columnsWith(figures: ReadonlyMap<string, Figures>): Column<Location>[] {
  return [
    {
      id: 'code',
      label: 'Code',
      width: 'minmax(90px, 1fr)',
      onPhone: { place: 1, width: 'max(84px, 50vw - 100px)' },
      render: ({ code }) => code,
    },
    {
      id: 'name',
      label: 'Name',
      width: 'minmax(120px, 1.6fr)',
      onPhone: { place: 4, width: 'max(60px, 50vw - 92px)' },
      render: ({ name }) => name,
    },
    { id: 'type', label: 'Kind', width: '110px', render: ({ type }) => TYPE_WORDS[type] },
    { id: 'active', label: 'State', width: '120px', render: (location) => <ActiveState location={location} /> },
    {
      id: 'priority',
      label: 'Priority',
      width: '90px',
      align: 'end',
      render: ({ priority }) => <Num value={priority} />,
    },
    { ...figure('onHand', 'On hand', figures, ({ units }) => units.onHand), onPhone: { place: 3, width: '68px' } },
    {
      ...figure('available', 'Available', figures, ({ units }) => units.available),
      onPhone: { place: 2, width: '74px' },
    },
    figure('lowStock', 'Low', figures, ({ lowStock }) => lowStock),
    figure('outOfStock', 'Out', figures, ({ outOfStock }) => outOfStock),
  ];
}

function figure(
  id: string,
  label: string,
  figures: ReadonlyMap<string, Figures>,
  of: (figures: Figures) => number,
): Column<Location> {
  return {
    id,
    label,
    width: '100px',
    align: 'end',
    render: ({ code }) => {
      const known = figures.get(code);
      return known === undefined ? '–' : <Num value={of(known)} of={`${code} ${id}`} />;
    },
  };
}

/** The places that hold stock, and how much. */
export function LocationsView() {
  const [filters] = useFilters();
  const asked = pick(filters, ['active', 'archived']);
  const rows = usePages('/api/v1/locations', { query: asked as never });
  const summary = useGet('/api/v1/summary');
  const mayEdit = useMay('admin');
  const [isAdding, setIsAdding] = useState(false);
  const figures = new Map((summary.data?.locations ?? []).map((one) => [one.location, one]));
  return (
    <>
      <PageHeader
        title="Locations"
        about="Lower priorities are tried first when a line of a reservation names no place."
        actions={
          mayEdit && (
            <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setIsAdding(true)}>
              New location
            </Button>
          )
        }
      />
      <FilterBar filters={FILTERS} />
      <DataTable
        name="Locations"
        columns={columnsWith(figures)}
        rows={rows}
        keyOf={({ code }) => code}
        panel={{ title: ({ code, name }) => `${code}: ${name}`, render: ({ code }) => <LocationDetail code={code} /> }}
        empty={Object.keys(asked).length > 0 ? <NothingFound /> : <NoLocations />}
      />
      {isAdding && <LocationForm onClose={() => setIsAdding(false)} />}
    </>
  );
}

function NothingFound() {
  return (
    <EmptyState title="No location is like that" icon="search">
      Take a filter away to see the others.
    </EmptyState>
  );
}

function NoLocations() {
  return (
    <EmptyState
      title="No locations"
      icon="pin"
      curl={{
        method: 'POST',
        path: '/api/v1/locations',
        body: { code: 'WH001', name: 'Berlin warehouse', type: 'warehouse' },
      }}
    >
      A location is anywhere that stock is: a warehouse, a store, a supplier who ships for you.
    </EmptyState>
  );
}
