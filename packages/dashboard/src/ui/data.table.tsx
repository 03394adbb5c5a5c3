import {
  useEffect,
  useEffectEvent,
  useLayoutEffect,
  useRef,
  useState,
  type KeyboardEvent,
  type MouseEvent,
  type ReactNode,
  type RefObject,
} from 'react';
import { Button } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { Left, useStep } from '../api/use.left.ts';
import type { PagedRows } from '../api/use.pages.ts';
import type { NewRows } from '../live/use.events.ts';
import { useColumns, type Column } from './data.table.columns.tsx';
import { asTheyAre, isPressed, isTextField, nextSort, rangeBetween, toggled } from './data.table.rules.ts';
import { formatCount, formatNumber, InColumns } from './num.tsx';
import { ProblemNotice } from './problem.notice.tsx';
import { SidePanel } from './side.panel.tsx';
import { showDone, showProblem } from './toasts.tsx';
import { useFilters, useOpenStep } from './use.filters.ts';
import { usePrinting } from './use.printing.ts';
import classes from './data.table.module.css';

export type { Column } from './data.table.columns.tsx';

/** A million of them are as high as a browser lets a page be (Chromium: 33.5 million pixels). */
const ROW_PX = 32;
const OVERSCAN = 12;
/** A scroll that goes on asks for nothing; where it stops, the page there is asked for. */
const SETTLE_MS = 60;
const PLACEHOLDERS = 30;
const LINKED_ROWS_MAX = 200;
const NEWS_AFTER_MS = 400;
const SELECTED_MAX = 10_000;

const left = new Left<{ top: number; active: number }>();

interface DataTableProps<Row> {
  /** For assistive technology, and to remember the choice of columns. */
  name: string;
  columns: readonly Column<Row>[];
  rows: PagedRows<Row>;
  keyOf: (row: Row) => string;
  /** What stands here when there are none. */
  empty: ReactNode;
  /** The panel beside the list. `open=` in the address is the key of its row. */
  panel?: { title: (row: Row) => ReactNode; render: (row: Row, close: () => void) => ReactNode };
  /** Instead of a panel: where Enter or a click leads. */
  onOpen?: (row: Row) => void;
  /** Buttons for the rows that are selected. */
  bulk?: (rows: Row[], clear: () => void) => ReactNode;
  /** Rows that came since it was loaded: announced above, never moved in. */
  newRows?: NewRows;
}

/** A list to work in: as many rows as there are, keys, columns, selection, and a panel beside it. */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { name, rows, keyOf, empty, panel, onOpen, bulk, newRows } = props;
  const { columns, chooser } = useColumns(name, props.columns);
  const [filters, change] = useFilters();
  const [openStep, closeStep] = useOpenStep();
  const place = `${useStep()} ${name}`;
  const [came] = useState(() => left.get(place) ?? { top: 0, active: 0 });
  const [active, setActive] = useState(came.active);
  const [selected, setSelected] = useState<ReadonlyMap<string, Row>>(new Map());
  const [opened, setOpened] = useState<Row | null>(null);
  const anchor = useRef(0);
  const latest = useRef(rows.identity);
  const body = useRef<HTMLDivElement>(null);
  const [listed, setListed] = useState(rows.identity);
  if (listed !== rows.identity) {
    // Other rows than were chosen from: nothing is done to those that are not shown.
    setListed(rows.identity);
    setSelected(new Map());
    setActive(0);
  }
  useLayoutEffect(() => {
    latest.current = rows.identity;
  }, [rows.identity]);
  const count = rows.count + (rows.hasMore ? PLACEHOLDERS : 0);
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => body.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
    initialOffset: came.top,
  });
  useLeft(body, { place, top: came.top, active });
  useListTop(body, rows.isLoading);
  const showNews = (): void => {
    newRows?.reset();
    rows.refresh();
    body.current?.scrollTo({ top: 0 });
  };
  const isIdle = selected.size === 0 && filters['open'] === undefined;
  useUnreadNews(body, { count: newRows?.count ?? 0, isIdle, show: showNews });
  const inView = virtual.getVirtualItems();
  const [first, last] = [inView[0]?.index ?? 0, inView.at(-1)?.index ?? 0];
  const isPrinting = usePrinting();
  const shown = isPrinting ? loadedRows(rows) : inView;
  const tellRange = useEffectEvent(() => rows.onRange(first, last));
  useEffect(() => {
    const timer = setTimeout(() => tellRange(), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [first, last, rows.count, rows.onRange]);

  const open = (row: Row): void => {
    if (onOpen !== undefined) return onOpen(row);
    if (panel === undefined) return;
    setOpened(row);
    openStep(keyOf(row));
  };
  const close = (): void => {
    setOpened(null);
    closeStep();
    body.current?.focus();
  };
  const select = (index: number, toHere: boolean): void => {
    const [start, end] = rangeBetween(toHere ? anchor.current : index, index);
    if (end - start >= SELECTED_MAX) return showDone(`At most ${formatCount(SELECTED_MAX, 'row')} at a time`);
    anchor.current = index;
    const row = rows.rowAt(index);
    if (start === end) return row === null ? undefined : setSelected((known) => toggled(known, [row], keyOf));
    // Those in between may have been scrolled past, and not be here.
    const from = latest.current;
    rows.load(start, end).then((touched) => {
      if (latest.current === from) setSelected((known) => toggled(known, touched, keyOf));
    }, showProblem);
  };
  const go = (index: number): void => {
    const to = Math.max(0, Math.min(rows.count - 1, index));
    setActive(to);
    virtual.scrollToIndex(to);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || isTextField(event.target)) return;
    // A link or a button that has the focus keeps the keys that press it.
    if ((event.key === 'Enter' || event.key === ' ') && isPressed(event.target)) return;
    const row = rows.rowAt(active);
    const pageful = Math.max(1, Math.floor((body.current?.clientHeight ?? 0) / ROW_PX) - 1);
    const keys: Record<string, () => void> = {
      ArrowDown: () => go(active + 1),
      ArrowUp: () => go(active - 1),
      PageDown: () => go(active + pageful),
      PageUp: () => go(active - pageful),
      Home: () => go(0),
      End: () => go(rows.count - 1),
      Enter: () => row !== null && open(row),
      ...(bulk === undefined ? {} : { ' ': () => select(active, event.shiftKey) }),
      Escape: () => setSelected(new Map()),
    };
    const act = keys[event.key];
    if (act === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  };
  const onRowClick = (event: MouseEvent, index: number): void => {
    setActive(index);
    const row = rows.rowAt(index);
    if (row === null || (event.target as Element).closest('a, button, input, label') !== null) return;
    if (bulk !== undefined && (event.shiftKey || event.ctrlKey || event.metaKey)) select(index, event.shiftKey);
    else open(row);
  };
  // What the address says is open: the row as it is now, or, further down, as it was when it was clicked.
  const wanted = panel === undefined ? undefined : filters['open'];
  const shownRow =
    wanted === undefined
      ? null
      : (findRow(rows, keyOf, wanted) ?? (opened !== null && keyOf(opened) === wanted ? opened : null));
  const openKey = shownRow === null ? null : keyOf(shownRow);

  if (rows.error !== null && rows.count === 0) return <ProblemNotice error={rows.error} onRetry={rows.refresh} />;
  if (!rows.isLoading && rows.count === 0 && !rows.hasMore) return <div className={classes['frame']}>{empty}</div>;
  const template = [bulk === undefined ? '' : '36px', ...columns.map(({ width }) => width)].join(' ').trim();
  return (
    <div className={classes['outer']}>
      {newRows !== undefined && newRows.count > 0 && (
        <button type="button" className={classes['news']} onClick={showNews}>
          {formatCount(newRows.count, 'new row')}: show
        </button>
      )}
      {bulk !== undefined && selected.size > 0 && (
        <div className={classes['bulk']} role="toolbar" aria-label="Selected rows">
          <b>{formatNumber(selected.size)} selected</b>
          {bulk(asTheyAre(selected, rows, keyOf), () => setSelected(new Map()))}
          <Button variant="subtle" onClick={() => setSelected(new Map())}>
            Clear the selection
          </Button>
        </div>
      )}
      <div
        ref={body}
        role="grid"
        aria-label={name}
        aria-rowcount={rows.hasMore ? -1 : rows.count + 1}
        aria-multiselectable={bulk !== undefined || undefined}
        aria-busy={rows.isLoading}
        aria-activedescendant={rows.count > 0 ? `${name}-row-${active}` : undefined}
        tabIndex={0}
        className={classes['frame']}
        onKeyDown={onKeyDown}
      >
        <div role="rowgroup" className={classes['head']}>
          <div role="row" aria-rowindex={1} className={classes['row']} style={{ gridTemplateColumns: template }}>
            {bulk !== undefined && (
              <span role="columnheader">
                <span className="hf-hidden">Selected</span>
              </span>
            )}
            {columns.map((column, index) => (
              <HeaderCell
                key={column.id}
                column={column}
                sort={filters['sort']}
                onSort={(sort) => change({ sort })}
                end={index === columns.length - 1 ? chooser : null}
              />
            ))}
          </div>
        </div>
        <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          <InColumns value>
            {shown.map(({ index, start }) => {
              const row = rows.rowAt(index);
              if (index >= rows.count && rows.count > 0 && row === null && !rows.hasMore) return null;
              const key = row === null ? `at ${index}` : keyOf(row);
              const isSelected = selected.has(key);
              return (
                <div
                  // Another row in its place is no change of this one.
                  key={`${index} ${key}`}
                  id={`${name}-row-${index}`}
                  role="row"
                  aria-rowindex={index + 2}
                  aria-selected={bulk === undefined ? undefined : isSelected}
                  className={classes['row']}
                  data-active={index === active || undefined}
                  data-open={openKey === key || undefined}
                  data-clickable={panel !== undefined || onOpen !== undefined || undefined}
                  style={{ gridTemplateColumns: template, transform: `translateY(${start}px)` }}
                  onClick={(event) => onRowClick(event, index)}
                >
                  {bulk !== undefined && (
                    <span role="gridcell" className={classes['cell']}>
                      <label className={classes['select']}>
                        <input
                          type="checkbox"
                          tabIndex={-1}
                          aria-label="Select the row"
                          checked={isSelected}
                          readOnly
                          onClick={(event) => select(index, event.shiftKey)}
                        />
                      </label>
                    </span>
                  )}
                  {columns.map(({ id, align, render }) => (
                    <span key={id} role="gridcell" dir="auto" className={classes['cell']} data-align={align}>
                      {row === null ? <span className={classes['bone']} /> : render(row)}
                    </span>
                  ))}
                </div>
              );
            })}
          </InColumns>
        </div>
      </div>
      {isPrinting && (shown.length < rows.count || rows.hasMore) && (
        <p className={classes['printed']}>
          {formatCount(shown.length, 'row')} of {rows.hasMore ? 'more' : formatNumber(rows.count)}: those around what
          was in view.
        </p>
      )}
      {panel !== undefined && shownRow !== null && (
        <SidePanel title={panel.title(shownRow)} onClose={close}>
          {panel.render(shownRow, close)}
        </SidePanel>
      )}
    </div>
  );
}

/** New rows come in by themselves while nobody reads: the list is at its top, not pointed at, not worked with. */
function useUnreadNews(
  list: RefObject<HTMLDivElement | null>,
  { count, isIdle, show }: { count: number; isIdle: boolean; show: () => void },
): void {
  const showIfUnread = useEffectEvent(() => {
    const element = list.current;
    // Who points at what announces them is about to press it.
    const isRead =
      element !== null && (element.scrollTop > 0 || element.parentElement?.matches(':hover, :focus-within') === true);
    if (!isRead) show();
  });
  const hasNews = count > 0;
  useEffect(() => {
    if (!hasNews || !isIdle) return;
    const timer = setTimeout(() => showIfUnread(), NEWS_AFTER_MS);
    return () => clearTimeout(timer);
    // Not anew with each row: where many come, they come together.
  }, [hasNews, isIdle]);
}

/** Who comes back to the list finds it where it was left. */
function useLeft(
  list: RefObject<HTMLDivElement | null>,
  { place, top, active }: { place: string; top: number; active: number },
): void {
  const latest = useRef(active);
  useLayoutEffect(() => {
    latest.current = active;
  }, [active]);
  useLayoutEffect(() => {
    list.current?.scrollTo({ top });
  }, [list, top]);
  useLayoutEffect(() => {
    const element = list.current;
    return () => left.set(place, { top: element?.scrollTop ?? 0, active: latest.current });
  }, [list, place]);
}

/** Tells the style how far down the page the list begins, so that it ends with the window. */
function useListTop(list: RefObject<HTMLDivElement | null>, isLoading: boolean): void {
  useLayoutEffect(() => {
    const element = list.current;
    if (element === null) return;
    const measure = (): void => {
      const top = element.getBoundingClientRect().top + scrollY;
      element.style.setProperty('--list-top', `${Math.round(top)}px`);
    };
    measure();
    // Filters that wrap, and the offer of the first run, move it.
    const observer = new ResizeObserver(measure);
    observer.observe(document.body);
    return () => observer.disconnect();
  }, [list, isLoading]);
}

/** For paper: the rows of the pages that are loaded, one below the other. */
function loadedRows<Row>(rows: PagedRows<Row>): { index: number; start: number }[] {
  const loaded = [];
  for (let index = 0; index < rows.count; index += 1) if (rows.rowAt(index) !== null) loaded.push({ index, start: 0 });
  return loaded;
}

/** Among the first rows: a link to a row further down opens the list alone. */
function findRow<Row>(rows: PagedRows<Row>, keyOf: (row: Row) => string, key: string): Row | null {
  for (let index = 0; index < Math.min(rows.count, LINKED_ROWS_MAX); index += 1) {
    const row = rows.rowAt(index);
    if (row !== null && keyOf(row) === key) return row;
  }
  return null;
}

interface HeaderCellProps<Row> {
  column: Column<Row>;
  sort: string | undefined;
  onSort: (sort: string | null) => void;
  end: ReactNode;
}

function HeaderCell<Row>({ column, sort, onSort, end }: HeaderCellProps<Row>) {
  const { label, align, sortBy } = column;
  const direction = sort === sortBy ? 'ascending' : sort === `-${sortBy}` ? 'descending' : 'none';
  return (
    <span
      role="columnheader"
      className={classes['headCell']}
      data-align={align}
      {...(sortBy === undefined ? {} : { 'aria-sort': direction })}
    >
      {sortBy === undefined ? (
        label
      ) : (
        <button type="button" className={classes['sort']} onClick={() => onSort(nextSort(sort, sortBy))}>
          {direction !== 'none' && (
            <span aria-hidden="true" className={classes['arrow']}>
              {direction === 'ascending' ? '↑' : '↓'}
            </span>
          )}
          {label}
        </button>
      )}
      {end}
    </span>
  );
}
