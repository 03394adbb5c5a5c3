import { useMemo } from 'react';
import { useLocations } from '../../api/use.locations.ts';
import { usePages } from '../../api/use.pages.ts';
import { useNewRows } from '../../live/use.events.ts';
import { Actor } from '../../ui/actor.tsx';
import { DataTable, type Column } from '../../ui/data.table.tsx';
import { EmptyState } from '../../ui/empty.state.tsx';
import { FilterBar, type Filter } from '../../ui/filter.bar.tsx';
import { Link, pathOf } from '../../ui/link.tsx';
import { MOVEMENT_OPTIONS, wordOf } from '../../ui/movement.rules.ts';
import { Num } from '../../ui/num.tsx';
import { PageHeader } from '../../ui/page.header.tsx';
import { TimeAgo } from '../../ui/time.tsx';
import { pick, useFilters } from '../../ui/use.filters.ts';
import { EntryDetail } from './entry.detail.tsx';
import { Delta } from './delta.tsx';
import type { Entry } from './movement.words.ts';

type Field = 'onHand' | 'reserved' | 'committed';
type DeltaField = 'deltaOnHand' | 'deltaReserved' | 'deltaCommitted';

const COLUMNS: Column<Entry>[] = [
  {
    id: 'at',
    label: 'When',
    width: '116px',
    onPhone: { place: 4, width: '84px' },
    render: ({ at }) => <TimeAgo at={at} />,
  },
  {
    id: 'type',
    label: 'Movement',
    width: 'minmax(90px, 1fr)',
    onPhone: { place: 2, width: '100px' },
    render: ({ type }) => wordOf(type),
  },
  {
    id: 'sku',
    label: 'Product',
    width: 'minmax(110px, 1.3fr)',
    onPhone: { place: 1, width: 'max(84px, 50vw - 111px)' },
    render: ({ sku }) => <Link to={pathOf('/inventory', sku)}>{sku}</Link>,
  },
  { id: 'location', label: 'Location', width: 'minmax(80px, 1fr)', render: ({ location }) => location },
  { ...change('deltaOnHand', 'On hand'), onPhone: { place: 3, width: '68px' } },
  change('deltaReserved', 'Reserved'),
  change('deltaCommitted', 'Committed'),
  balance('onHand', 'On hand after'),
  { ...balance('reserved', 'Reserved after'), isExtra: true },
  { ...balance('committed', 'Committed after'), isExtra: true },
  { id: 'actor', label: 'By', width: 'minmax(90px, 1fr)', render: ({ actor }) => <Actor of={actor} /> },
  { id: 'reason', label: 'Reason', width: 'minmax(90px, 1fr)', isExtra: true, render: ({ reason }) => reason ?? '–' },
  { id: 'seq', label: 'Number', width: '110px', align: 'end', isExtra: true, render: ({ seq }) => seq },
];

function change(field: DeltaField, label: string): Column<Entry> {
  return { id: field, label, width: '96px', align: 'end', render: (entry) => <Delta of={entry[field]} /> };
}

function balance(field: Field, label: string): Column<Entry> {
  return { id: field, label, width: '120px', align: 'end', render: (entry) => <Num value={entry[field]} /> };
}

const keyOf = ({ seq, sku, location }: Entry): string => `${sku} ${location} ${seq}`;
const isMovement = ({ type }: { type: string }): boolean => type === 'stock.changed';

/** Every change of every level, the newest first: where a number came from. */
export function LedgerView() {
  const [filters] = useFilters();
  const asked = pick(filters, [
    'location',
    'type',
    'referenceType',
    'referenceId',
    'lot',
    'actor',
    'from',
    'to',
    'sort',
  ]);
  const rows = usePages('/api/v1/ledger', { query: asked as never });
  const locations = useLocations();
  const newRows = useNewRows(rows, keyOf, isMovement);
  const choices = useMemo(() => filtersFor(locations), [locations]);
  const isFiltered = Object.keys(asked).length > 0;
  return (
    <>
      <PageHeader
        title="Ledger"
        about="Each change of a level, with the balances after it. Nothing here is ever altered."
      />
      <FilterBar filters={choices} />
      <DataTable
        name="Ledger"
        columns={COLUMNS}
        rows={rows}
        keyOf={keyOf}
        newRows={isFiltered ? { ...newRows, count: 0 } : newRows}
        panel={{
          title: ({ type, sku }) => `${wordOf(type)}: ${sku}`,
          render: (entry) => <EntryDetail entry={entry} />,
        }}
        empty={isFiltered ? <NothingFound /> : <NoMovements />}
      />
    </>
  );
}

function filtersFor(locations: readonly { code: string; name: string }[]): Filter[] {
  return [
    { name: 'type', label: 'Movement', options: MOVEMENT_OPTIONS },
    { name: 'location', label: 'Location', options: locations.map(({ code, name }) => ({ value: code, label: name })) },
    { name: 'referenceType', label: 'Kind of reference', placeholder: 'reservation' },
    { name: 'referenceId', label: 'Reference', placeholder: 'PO-1001' },
    { name: 'actor', label: 'By', placeholder: 'user:ada' },
    { name: 'lot', label: 'Lot', placeholder: 'LOT-2026-11' },
    { name: 'from', label: 'From', placeholder: '2026-11-20T00:00:00Z' },
    { name: 'to', label: 'Before', placeholder: '2026-11-21T00:00:00Z' },
  ];
}

function NothingFound() {
  return (
    <EmptyState title="No movement is like that" icon="search">
      Take a filter away, or look at a longer time.
    </EmptyState>
  );
}

function NoMovements() {
  return (
    <EmptyState
      title="Nothing has moved yet"
      icon="book"
      curl={{
        method: 'POST',
        path: '/api/v1/inventory/MUG/adjust',
        body: { location: 'WH001', type: 'add', quantity: 12, movement: 'receipt' },
      }}
    >
      The first receipt is the first line here. From then on, every number can be followed back to what made it.
    </EmptyState>
  );
}
