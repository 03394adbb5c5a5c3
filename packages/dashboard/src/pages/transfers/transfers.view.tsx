import { useMemo } from 'react';
import { useLocations } from '../../api/use.locations.ts';
import { usePages } from '../../api/use.pages.ts';
import { useNewRows } from '../../live/use.events.ts';
import { DataTable, type Column } from '../../ui/data.table.tsx';
import { EmptyState } from '../../ui/empty.state.tsx';
import { FilterBar, type Filter } from '../../ui/filter.bar.tsx';
import { Link } from '../../ui/link.tsx';
import { Num } from '../../ui/num.tsx';
import { PageHeader } from '../../ui/page.header.tsx';
import { StateWord } from '../../ui/state.word.tsx';
import { TimeAgo } from '../../ui/time.tsx';
import { pick, useFilters } from '../../ui/use.filters.ts';
import { titleOf, TransferDetail, type Transfer } from './transfer.detail.tsx';

const unitsOf = ({ lines }: Transfer): number => lines.reduce((sum, { quantity }) => sum + quantity, 0);

const COLUMNS: Column<Transfer>[] = [
  {
    id: 'createdAt',
    label: 'When',
    width: '116px',
    onPhone: { place: 4, width: '92px' },
    render: ({ createdAt }) => <TimeAgo at={createdAt} />,
  },
  {
    id: 'from',
    label: 'From',
    width: 'minmax(90px, 1fr)',
    onPhone: { place: 1, width: 'max(72px, 50vw - 107px)' },
    render: ({ from }) => from,
  },
  {
    id: 'to',
    label: 'To',
    width: 'minmax(90px, 1fr)',
    onPhone: { place: 2, width: 'max(72px, 50vw - 107px)' },
    render: ({ to }) => to,
  },
  {
    id: 'what',
    label: 'What',
    width: 'minmax(140px, 2fr)',
    render: ({ lines }) => lines.map(({ sku }) => sku).join(', '),
  },
  {
    id: 'units',
    label: 'Units',
    width: '90px',
    onPhone: { place: 3, width: '60px' },
    align: 'end',
    render: (transfer) => <Num value={unitsOf(transfer)} />,
  },
  {
    id: 'status',
    label: 'Status',
    width: '120px',
    render: () => (
      <StateWord icon="check" tone="plain">
        Completed
      </StateWord>
    ),
  },
  {
    id: 'reference',
    label: 'Reference',
    width: 'minmax(100px, 1fr)',
    isExtra: true,
    render: ({ reference }) => (reference === null ? '–' : `${reference.type} ${reference.id}`),
  },
];

const keyOf = ({ id }: Transfer): string => id;
const isTransfer = ({ type }: { type: string }): boolean => type === 'transfer.created';

/** What went from one place to another. A new one begins at the product. */
export function TransfersView() {
  const [filters] = useFilters();
  const asked = pick(filters, ['from', 'to', 'sku']);
  const rows = usePages('/api/v1/transfers', { query: asked });
  const locations = useLocations();
  const newRows = useNewRows(rows, keyOf, isTransfer);
  const choices = useMemo(() => filtersFor(locations), [locations]);
  return (
    <>
      <PageHeader
        title="Transfers"
        about={
          <>
            Stock that went from one place to another, both sides at once. To move some, open its product in{' '}
            <Link to="/inventory">Inventory</Link>.
          </>
        }
      />
      <FilterBar filters={choices} />
      <DataTable
        name="Transfers"
        columns={COLUMNS}
        rows={rows}
        keyOf={keyOf}
        newRows={newRows}
        panel={{
          title: titleOf,
          render: (transfer) => <TransferDetail transfer={transfer} />,
        }}
        empty={Object.keys(asked).length > 0 ? <NothingFound /> : <NoTransfers />}
      />
    </>
  );
}

function filtersFor(locations: readonly { code: string; name: string }[]): Filter[] {
  const options = locations.map(({ code, name }) => ({ value: code, label: name }));
  return [
    { name: 'from', label: 'From', options },
    { name: 'to', label: 'To', options },
    { name: 'sku', label: 'Product', placeholder: 'Its whole sku' },
  ];
}

function NothingFound() {
  return (
    <EmptyState title="No transfer is like that" icon="search">
      Take a filter away to see the others.
    </EmptyState>
  );
}

function NoTransfers() {
  return (
    <EmptyState
      title="Nothing was transferred"
      icon="swap"
      curl={{
        method: 'POST',
        path: '/api/v1/transfers',
        body: { from: 'WH001', to: 'STORE-1', lines: [{ sku: 'MUG', quantity: 4 }] },
      }}
    >
      A transfer takes available units from one location and adds them to another, or does neither.
    </EmptyState>
  );
}
