import { useDeferredValue, useRef, useState } from 'react';
import { Button } from '@mantine/core';
import type { EventType } from '@holdfast/client';
import { useEvents } from '../../live/use.events.ts';
import { EmptyState } from '../../ui/empty.state.tsx';
import { FilterBar } from '../../ui/filter.bar.tsx';
import { Icon } from '../../ui/icon.tsx';
import { PageHeader } from '../../ui/page.header.tsx';
import { SidePanel } from '../../ui/side.panel.tsx';
import { Moment, TimeAgo } from '../../ui/time.tsx';
import { useFilters } from '../../ui/use.filters.ts';
import { matches, TAIL_MAX, withEvents, type TailRow } from './event.tail.rules.ts';
import classes from './events.module.css';

type Kind = EventType extends `${infer Start}.${string}` ? Start : never;

const KINDS: Record<Kind, string> = {
  stock: 'Stock',
  reservation: 'Reservations',
  alert: 'Alerts',
  transfer: 'Transfers',
  level: 'Settings of levels',
  product: 'Products',
  location: 'Locations',
  run: 'Runs of jobs',
  rate_limit: 'Rate limits',
};
const FILTERS = [
  { name: 'kind', label: 'Kind', options: Object.entries(KINDS).map(([value, label]) => ({ value, label })) },
];

/** The stream, as it happens. */
export function EventsView() {
  const [filters] = useFilters();
  const [rows, setRows] = useState<readonly TailRow[]>([]);
  const [held, setHeld] = useState<readonly TailRow[]>([]);
  const [isPaused, setIsPaused] = useState(false);
  const [opened, setOpened] = useState<TailRow | null>(null);
  const count = useRef(0);
  useEvents((event) => {
    count.current += 1;
    const row = { key: count.current, event };
    if (isPaused) setHeld((known) => [...known, row].slice(-TAIL_MAX));
    else setRows((known) => withEvents(known, [row]));
  });
  const goOn = (): void => {
    setRows((known) => withEvents(known, held));
    setHeld([]);
    setIsPaused(false);
  };
  const all = useDeferredValue(rows);
  const shown = all.filter(({ event }) => matches(event, filters['kind'], filters['search']));
  return (
    <>
      <PageHeader
        title="Events"
        about="Everything that happens, in one order, since this page was opened."
        actions={
          <Button
            variant={isPaused ? 'filled' : 'default'}
            leftSection={<Icon name={isPaused ? 'play' : 'minus'} size={16} />}
            onClick={() => (isPaused ? goOn() : setIsPaused(true))}
          >
            {isPaused ? `Go on, ${held.length} waiting` : 'Pause'}
          </Button>
        }
      />
      <FilterBar
        filters={FILTERS}
        search={{ name: 'search', label: 'Search events', placeholder: 'A sku, an order, an id' }}
      />
      {shown.length === 0 ? <Quiet isFiltered={all.length > 0} /> : <Tail rows={shown} onOpen={setOpened} />}
      {opened !== null && <EventPanel row={opened} onClose={() => setOpened(null)} />}
    </>
  );
}

function Tail({ rows, onOpen }: { rows: readonly TailRow[]; onOpen: (row: TailRow) => void }) {
  return (
    <ol className={classes['tail']} aria-label="Events, the newest first">
      {rows.map((row) => (
        <li key={row.key}>
          <button type="button" className={classes['row']} onClick={() => onOpen(row)}>
            <span className={classes['time']}>
              <TimeAgo at={row.event.time} />
            </span>
            <span className={classes['type']}>{row.event.type}</span>
            <span className={classes['subject']}>{row.event.subject}</span>
          </button>
        </li>
      ))}
    </ol>
  );
}

function EventPanel({ row: { event }, onClose }: { row: TailRow; onClose: () => void }) {
  return (
    <SidePanel title={event.type} onClose={onClose}>
      <p className={classes['when']}>
        <Moment at={event.time} />
      </p>
      <pre className={classes['json']} tabIndex={0} aria-label="The event's data">
        {JSON.stringify(event.data, null, 2)}
      </pre>
    </SidePanel>
  );
}

function Quiet({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) {
    return (
      <EmptyState title="None of them is like that" icon="search">
        Take a filter away to see what came.
      </EmptyState>
    );
  }
  return (
    <EmptyState title="Listening" icon="pulse" curl={{ method: 'GET', path: '/api/v1/events/stream' }}>
      The next thing that happens appears here at once. A program of yours can listen as well, and go on where it left
      off.
    </EmptyState>
  );
}
