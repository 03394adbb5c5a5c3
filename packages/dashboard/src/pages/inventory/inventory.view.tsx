import { useMemo, useState } from 'react';
import { Button } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import type { Item } from '../../api/queries.ts';
import { useLocations } from '../../api/use.locations.ts';
import { usePages } from '../../api/use.pages.ts';
import { useCommand } from '../../api/use.command.tsx';
import type { HoldfastEvent, Movement } from '../../live/live.rules.ts';
import { useNewRows } from '../../live/use.events.ts';
import { DataTable, type Column } from '../../ui/data.table.tsx';
import { downloadText } from '../../ui/download.ts';
import { EmptyState } from '../../ui/empty.state.tsx';
import { FilterBar, type Filter } from '../../ui/filter.bar.tsx';
import { Icon } from '../../ui/icon.tsx';
import { LevelBar, LevelLegend } from '../../ui/level.bar.tsx';
import { Link, pathOf } from '../../ui/link.tsx';
import { formatCount, Num } from '../../ui/num.tsx';
import { PageHeader } from '../../ui/page.header.tsx';
import { SavedViews } from '../../ui/saved.views.tsx';
import { TimeAgo } from '../../ui/time.tsx';
import { pick, useFilters } from '../../ui/use.filters.ts';

type Level = Item<'/api/v1/inventory'>;

const keyOfLevel = ({ sku, location }: Pick<Level, 'sku' | 'location'>): string => `${sku} ${location}`;

const COLUMNS: Column<Level>[] = [
  {
    id: 'sku',
    label: 'Product',
    width: 'minmax(124px, 1.2fr)',
    onPhone: { place: 1, width: 'max(84px, 50vw - 100px)' },
    sortBy: 'sku',
    render: ({ sku }) => <Link to={pathOf('/inventory', sku)}>{sku}</Link>,
  },
  {
    id: 'location',
    label: 'Location',
    width: 'minmax(124px, 0.9fr)',
    onPhone: { place: 4, width: 'max(60px, 50vw - 92px)' },
    render: ({ location }) => location,
  },
  { id: 'level', label: 'Level', width: 'minmax(120px, 1.6fr)', render: (level) => <LevelBar level={level} /> },
  { ...number('onHand', 'On hand', true), onPhone: { place: 3, width: '68px' } },
  number('committed', 'Committed'),
  number('reserved', 'Reserved'),
  { ...number('safetyStock', 'Safety'), isExtra: true },
  { ...number('available', 'Available', true), onPhone: { place: 2, width: '74px' } },
  { ...number('reorderPoint', 'Reorder at'), isExtra: true },
  { ...number('shortage', 'Short by'), isExtra: true },
  {
    id: 'lastMovementAt',
    label: 'Last moved',
    width: '116px',
    align: 'end',
    render: ({ lastMovementAt }) => <TimeAgo at={lastMovementAt} />,
  },
];

type NumberField = 'onHand' | 'committed' | 'reserved' | 'safetyStock' | 'available' | 'reorderPoint' | 'shortage';

function number(field: NumberField, label: string, isSorted = false): Column<Level> {
  return {
    id: field,
    label,
    width: 'minmax(88px, 0.7fr)',
    align: 'end',
    ...(isSorted ? { sortBy: field } : {}),
    render: (level) => <Num value={level[field]} of={keyOfLevel(level)} />,
  };
}

const EXPORT_WITHIN_MS = 600_000;

const STATUSES = [
  { value: 'in_stock', label: 'In stock' },
  { value: 'low', label: 'Low' },
  { value: 'out', label: 'Out' },
  { value: 'over', label: 'Over its maximum' },
  { value: 'short', label: 'Short' },
];

const VIEWS = [
  { name: 'Everything', filters: {} },
  { name: 'To reorder', filters: { status: 'low', sort: 'available' } },
  { name: 'Sold out', filters: { status: 'out' } },
  { name: 'Most on hand', filters: { sort: '-onHand' } },
];

export function InventoryView() {
  const navigate = useNavigate();
  const [filters] = useFilters();
  const asked = pick(filters, ['location', 'category', 'search', 'status', 'sort']);
  const rows = usePages('/api/v1/inventory', { query: asked as never });
  const locations = useLocations();
  const choices = useMemo(() => filtersFor(locations), [locations]);
  const isFiltered = Object.keys(asked).some((name) => name !== 'sort');
  const newRows = useNewRows(rows, keyOfLevel, isFirstMovement);
  return (
    <>
      <PageHeader title="Inventory" about={<LevelLegend withInactive={locations.some(({ active }) => !active)} />} />
      <FilterBar
        filters={choices}
        search={{ name: 'search', label: 'Search products', placeholder: 'Part of a sku or name' }}
      >
        <SavedViews name="inventory" usual={VIEWS} />
        <ExportButton asked={asked} />
      </FilterBar>
      <DataTable
        name="Inventory"
        columns={COLUMNS}
        rows={rows}
        keyOf={keyOfLevel}
        // Of a longer list they may stand anywhere, and of a filtered one not at all.
        newRows={isFiltered || rows.hasMore ? { ...newRows, count: 0 } : newRows}
        onOpen={({ sku }) => void navigate({ to: pathOf('/inventory', sku) })}
        empty={isFiltered ? <NothingFound /> : <NoStock />}
      />
    </>
  );
}

/** It begins with nothing: perhaps the level was not there before. */
function isFirstMovement({ type, data }: HoldfastEvent): boolean {
  if (type !== 'stock.changed') return false;
  const { onHand, deltaOnHand, reserved, deltaReserved, committed, deltaCommitted } = data as Movement;
  return onHand === deltaOnHand && reserved === deltaReserved && committed === deltaCommitted;
}

/** The list as it is filtered and sorted, as a file for a spreadsheet. */
function ExportButton({ asked }: { asked: Record<string, string> }) {
  const [rows, setRows] = useState(0);
  const exporting = useCommand({
    run: async () => {
      const { exportLevels } = await import('./export.levels.ts');
      const { csv, rows: count, isCut } = await exportLevels(asked, setRows, AbortSignal.timeout(EXPORT_WITHIN_MS));
      downloadText(`inventory-${new Date().toISOString().slice(0, 10)}.csv`, 'text/csv', csv);
      return { count, isCut };
    },
    done: ({ count, isCut }) =>
      isCut
        ? `Exported the first ${formatCount(count, 'row')}; filter for the rest, or use holdfast export`
        : `Exported ${formatCount(count, 'row')}`,
  });
  return (
    <Button
      variant="default"
      leftSection={<Icon name="download" size={16} />}
      disabled={exporting.isPending}
      onClick={() => exporting.mutate()}
    >
      {exporting.isPending ? `${formatCount(rows, 'row')}…` : 'Export'}
    </Button>
  );
}

function filtersFor(locations: readonly { code: string; name: string }[]): Filter[] {
  return [
    { name: 'status', label: 'Status', options: STATUSES },
    { name: 'location', label: 'Location', options: locations.map(({ code, name }) => ({ value: code, label: name })) },
    { name: 'category', label: 'Category', placeholder: 'kitchen' },
  ];
}

function NothingFound() {
  return (
    <EmptyState title="No level is like that" icon="search">
      Take a filter away, or look for less of the name.
    </EmptyState>
  );
}

function NoStock() {
  return (
    <EmptyState
      title="No stock yet"
      curl={{
        method: 'POST',
        path: '/api/v1/inventory/MUG/adjust',
        body: { location: 'WH001', type: 'add', quantity: 12, movement: 'receipt' },
      }}
    >
      Each product that was ever received somewhere is a row here, with what is promised and what can be sold. Open one
      of the <Link to="/products">products</Link>, go to its stock, and receive the first units with Adjust.
    </EmptyState>
  );
}
