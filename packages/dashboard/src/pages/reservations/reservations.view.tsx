import { useMemo } from 'react';
import { Button } from '@mantine/core';
import { useLocations } from '../../api/use.locations.ts';
import { usePages } from '../../api/use.pages.ts';
import { useNewRows } from '../../live/use.events.ts';
import { DataTable, type Column } from '../../ui/data.table.tsx';
import { EmptyState } from '../../ui/empty.state.tsx';
import { FilterBar, type Filter } from '../../ui/filter.bar.tsx';
import { Link, pathOf } from '../../ui/link.tsx';
import { Num } from '../../ui/num.tsx';
import { PageHeader } from '../../ui/page.header.tsx';
import { StateBadge } from '../../ui/state.badge.tsx';
import { STATE_WORDS } from '../../ui/state.badge.rules.ts';
import { Countdown, TimeAgo } from '../../ui/time.tsx';
import { pick, useFilters } from '../../ui/use.filters.ts';
import { ReservationDetail } from './reservation.detail.tsx';
import { nameOf, unitsOf, whatOf, type Reservation } from './reservation.words.ts';

const COLUMNS: Column<Reservation>[] = [
  {
    id: 'order',
    label: 'Order',
    width: 'minmax(120px, 1.2fr)',
    onPhone: { place: 1, width: 'max(84px, 50vw - 105px)' },
    render: (reservation) => <Link to={pathOf('/reservations', reservation.id)}>{nameOf(reservation)}</Link>,
  },
  {
    id: 'status',
    label: 'State',
    width: '130px',
    onPhone: { place: 2, width: '118px' },
    render: ({ status, createdAt, expiresAt }) => (
      <StateBadge state={status} createdAt={createdAt} expiresAt={expiresAt} />
    ),
  },
  { id: 'what', label: 'What', width: 'minmax(140px, 2fr)', render: (reservation) => whatOf(reservation) },
  {
    id: 'units',
    label: 'Units',
    width: '80px',
    onPhone: { place: 4, width: '64px' },
    align: 'end',
    render: (reservation) => <Num value={unitsOf(reservation)} />,
  },
  {
    id: 'left',
    label: 'Time left',
    width: '100px',
    onPhone: { place: 3, width: '70px' },
    align: 'end',
    render: ({ status, expiresAt }) => (status === 'pending' ? <Countdown until={expiresAt} /> : '–'),
  },
  { id: 'userId', label: 'Customer', width: 'minmax(90px, 1fr)', isExtra: true, render: ({ userId }) => userId ?? '–' },
  { id: 'type', label: 'Kind', width: '90px', isExtra: true, render: ({ type }) => type },
  {
    id: 'createdAt',
    label: 'Made',
    width: '116px',
    align: 'end',
    render: ({ createdAt }) => <TimeAgo at={createdAt} />,
  },
];

const STATES = Object.entries(STATE_WORDS).map(([value, label]) => ({ value, label }));

const keyOf = ({ id }: Reservation): string => id;
const isMade = ({ type }: { type: string }): boolean => type === 'reservation.created';

/** Every claim on stock, the newest first, and what to do about each beside it. */
export function ReservationsView() {
  const [filters, change] = useFilters();
  const asked = pick(filters, ['status', 'orderId', 'userId', 'sku', 'location']);
  const rows = usePages('/api/v1/reservations', { query: asked as never });
  const locations = useLocations();
  const newRows = useNewRows(rows, keyOf, isMade);
  const choices = useMemo(() => filtersFor(locations), [locations]);
  const isFiltered = Object.keys(asked).length > 0;
  return (
    <>
      <PageHeader title="Reservations" about="What is held for a cart or an order, and for how long." />
      <FilterBar
        filters={choices}
        search={{ name: 'orderId', label: 'Find an order', placeholder: 'A whole order id' }}
      >
        <Button
          variant="subtle"
          aria-pressed={filters['status'] === 'pending'}
          onClick={() => change({ status: filters['status'] === 'pending' ? null : 'pending' })}
        >
          Pending only
        </Button>
      </FilterBar>
      <DataTable
        name="Reservations"
        columns={COLUMNS}
        rows={rows}
        keyOf={keyOf}
        newRows={newRows}
        panel={{ title: nameOf, render: ({ id }) => <ReservationDetail id={id} /> }}
        empty={isFiltered ? <NothingFound /> : <NoReservations />}
      />
    </>
  );
}

function filtersFor(locations: readonly { code: string; name: string }[]): Filter[] {
  return [
    { name: 'status', label: 'State', options: STATES },
    { name: 'sku', label: 'Product', placeholder: 'Its whole sku' },
    { name: 'location', label: 'Location', options: locations.map(({ code, name }) => ({ value: code, label: name })) },
    { name: 'userId', label: 'Customer', placeholder: 'The whole id' },
  ];
}

function NothingFound() {
  return (
    <EmptyState title="No reservation is like that" icon="search">
      Ids are compared whole, not in part. Take a filter away to see the others.
    </EmptyState>
  );
}

function NoReservations() {
  return (
    <EmptyState
      title="Nothing is reserved"
      icon="hold"
      curl={{ method: 'POST', path: '/api/v1/inventory/MUG/reserve', body: { quantity: 2, orderId: 'ORDER-1001' } }}
    >
      A reservation holds units while a customer decides or pays. It expires by itself, to the second, unless it is
      confirmed.
    </EmptyState>
  );
}
