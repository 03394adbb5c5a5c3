import { useMemo } from 'react';
import { Button } from '@mantine/core';
import { holdfast } from '../../api/holdfast.ts';
import { useCommand } from '../../api/use.command.tsx';
import { useLocations } from '../../api/use.locations.ts';
import { usePages } from '../../api/use.pages.ts';
import { useMay } from '../../api/use.session.ts';
import { useNewRows } from '../../live/use.events.ts';
import { AlertState } from '../../ui/alert.state.tsx';
import { STATUS_WORDS, TYPE_WORDS, type Alert } from '../../ui/alert.words.ts';
import { DataTable, type Column } from '../../ui/data.table.tsx';
import { EmptyState } from '../../ui/empty.state.tsx';
import { FilterBar, type Filter } from '../../ui/filter.bar.tsx';
import { Link, pathOf } from '../../ui/link.tsx';
import { formatNumber, Num } from '../../ui/num.tsx';
import { PageHeader } from '../../ui/page.header.tsx';
import { TimeAgo } from '../../ui/time.tsx';
import { pick, useFilters } from '../../ui/use.filters.ts';
import { AlertDetail } from './alert.detail.tsx';

const COLUMNS: Column<Alert>[] = [
  {
    id: 'type',
    label: 'Alert',
    width: 'minmax(110px, 1fr)',
    onPhone: { place: 1, width: 'max(80px, 50vw - 105px)' },
    render: ({ type }) => TYPE_WORDS[type],
  },
  {
    id: 'status',
    label: 'Status',
    width: '140px',
    onPhone: { place: 3, width: '112px' },
    render: (alert) => <AlertState alert={alert} />,
  },
  {
    id: 'sku',
    label: 'Product',
    width: 'minmax(120px, 1.4fr)',
    onPhone: { place: 2, width: 'max(84px, 50vw - 101px)' },
    render: ({ sku }) => <Link to={pathOf('/inventory', sku)}>{sku}</Link>,
  },
  { id: 'location', label: 'Location', width: 'minmax(80px, 1fr)', render: ({ location }) => location },
  { id: 'value', label: 'Units', width: '90px', align: 'end', render: ({ value }) => <Num value={value} /> },
  {
    id: 'threshold',
    label: 'Threshold',
    width: '90px',
    align: 'end',
    render: ({ threshold }) => (threshold === null ? '–' : <Num value={threshold} />),
  },
  {
    id: 'openedAt',
    label: 'Opened',
    width: '116px',
    align: 'end',
    render: ({ openedAt }) => <TimeAgo at={openedAt} />,
  },
  {
    id: 'resolvedAt',
    label: 'Resolved',
    width: '116px',
    align: 'end',
    isExtra: true,
    render: ({ resolvedAt }) => <TimeAgo at={resolvedAt} />,
  },
];

const optionsOf = (words: Record<string, string>): { value: string; label: string }[] =>
  Object.entries(words).map(([value, label]) => ({ value, label }));

const keyOf = ({ id }: Alert): string => id;
const isAlertOpened = ({ type }: { type: string }): boolean => type === 'alert.opened';

/** What a person should know of: open ones first to be seen, acknowledged one by one or many at once. */
export function AlertsView() {
  const [filters] = useFilters();
  const asked = pick(filters, ['status', 'type', 'location', 'sku']);
  const rows = usePages('/api/v1/alerts', { query: asked as never });
  const locations = useLocations();
  const mayAcknowledge = useMay('stock');
  const newRows = useNewRows(rows, keyOf, isAlertOpened);
  const choices = useMemo(() => filtersFor(locations), [locations]);
  const isFiltered = Object.keys(asked).length > 0;
  return (
    <>
      <PageHeader title="Alerts" about="They open and resolve by themselves, with the stock that they are about." />
      <FilterBar filters={choices} />
      <DataTable
        name="Alerts"
        columns={COLUMNS}
        rows={rows}
        keyOf={keyOf}
        newRows={newRows}
        panel={{
          title: ({ type, sku }) => `${TYPE_WORDS[type]}: ${sku}`,
          render: (alert) => <AlertDetail id={alert.id} />,
        }}
        {...(mayAcknowledge ? { bulk: acknowledgeMany } : {})}
        empty={isFiltered ? <NothingFound /> : <NoAlerts />}
      />
    </>
  );
}

/** What one request takes. */
const AT_ONCE = 1_000;

const acknowledgeMany = (alerts: Alert[], clear: () => void) => <AcknowledgeMany alerts={alerts} onDone={clear} />;

function AcknowledgeMany({ alerts, onDone }: { alerts: Alert[]; onDone: () => void }) {
  const active = alerts.filter(({ status }) => status === 'active');
  const acknowledge = useCommand({
    run: async () => {
      let acknowledged = 0;
      for (let from = 0; from < active.length; from += AT_ONCE) {
        const ids = active.slice(from, from + AT_ONCE).map(({ id }) => id);
        const { data } = await holdfast.POST('/api/v1/alerts/acknowledge', { body: { ids } });
        acknowledged += data?.acknowledged ?? 0;
      }
      onDone();
      return acknowledged;
    },
    done: (acknowledged) => `Acknowledged ${formatNumber(acknowledged)}`,
    stale: ['/api/v1/alerts', '/api/v1/alerts/{id}'],
  });
  return (
    <Button disabled={active.length === 0} loading={acknowledge.isPending} onClick={() => acknowledge.mutate()}>
      Acknowledge {active.length === alerts.length ? '' : `${formatNumber(active.length)} active`}
    </Button>
  );
}

function filtersFor(locations: readonly { code: string; name: string }[]): Filter[] {
  return [
    { name: 'status', label: 'Status', options: optionsOf(STATUS_WORDS) },
    { name: 'type', label: 'Type', options: optionsOf(TYPE_WORDS) },
    { name: 'location', label: 'Location', options: locations.map(({ code, name }) => ({ value: code, label: name })) },
    { name: 'sku', label: 'Product', placeholder: 'Its whole sku' },
  ];
}

function NothingFound() {
  return (
    <EmptyState title="No alert is like that" icon="search">
      Take a filter away to see the others.
    </EmptyState>
  );
}

function NoAlerts() {
  return (
    <EmptyState
      title="Nothing to worry about"
      icon="bell"
      curl={{ method: 'PATCH', path: '/api/v1/inventory/MUG/locations/WH001', body: { reorderPoint: 10 } }}
    >
      An alert opens when a level falls to its reorder point, has nothing left to sell, holds more than its maximum, or
      has promised more than it has. Set a reorder point to hear of the first in time.
    </EmptyState>
  );
}
