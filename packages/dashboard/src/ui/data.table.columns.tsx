import { useState, type ReactNode } from 'react';
import { Menu, Checkbox } from '@mantine/core';
import { Icon } from './icon.tsx';
import { useIsPhone } from './use.phone.ts';
import classes from './data.table.module.css';

export interface Column<Row> {
  id: string;
  label: string;
  /** As grid-template-columns takes it: `minmax(160px, 2fr)`, `96px`. */
  width: string;
  align?: 'end';
  /** The field that `sort=` takes, where the server sorts by it. */
  sortBy?: string;
  /** Hidden until it is chosen. */
  isExtra?: boolean;
  /** On a phone those with a place come first, in that order and so wide: what is seen without a sideways scroll. */
  onPhone?: { place: number; width: string };
  render: (row: Row) => ReactNode;
}

/** The columns that are shown, and the menu that chooses them; the choice is kept on this machine. */
export function useColumns<Row>(
  name: string,
  all: readonly Column<Row>[],
): { columns: readonly Column<Row>[]; chooser: ReactNode } {
  const isPhone = useIsPhone();
  const storageKey = `holdfast.columns.${name}`;
  const [hidden, setHidden] = useState(() => readHidden(storageKey, all));
  const choose = (id: string, isShown: boolean): void => {
    const next = isShown ? hidden.filter((known) => known !== id) : [...hidden, id];
    setHidden(next);
    try {
      localStorage.setItem(storageKey, JSON.stringify(next));
    } catch {
      // Without storage the choice lasts as long as the page.
    }
  };
  const columns = (isPhone ? phoneOrder(all) : all).filter(({ id }) => !hidden.includes(id));
  const chooser = <ColumnChooser all={all} hidden={hidden} onChoose={choose} />;
  return { columns: columns.length > 0 ? columns : all.slice(0, 1), chooser };
}

function phoneOrder<Row>(all: readonly Column<Row>[]): Column<Row>[] {
  const placeOf = ({ onPhone }: Column<Row>): number => onPhone?.place ?? Infinity;
  return all
    .map((column) => ({ ...column, width: column.onPhone?.width ?? column.width }))
    .sort((left, right) => (placeOf(left) === placeOf(right) ? 0 : placeOf(left) - placeOf(right)));
}

function readHidden<Row>(key: string, all: readonly Column<Row>[]): string[] {
  const extra = all.filter(({ isExtra }) => isExtra === true).map(({ id }) => id);
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key) ?? 'null');
    return Array.isArray(kept) ? kept.map(String) : extra;
  } catch {
    return extra;
  }
}

interface ColumnChooserProps<Row> {
  all: readonly Column<Row>[];
  hidden: readonly string[];
  onChoose: (id: string, isShown: boolean) => void;
}

export function ColumnChooser<Row>({ all, hidden, onChoose }: ColumnChooserProps<Row>) {
  return (
    <Menu closeOnItemClick={false} position="bottom-end">
      <Menu.Target>
        <button type="button" className={classes['chooser']} aria-label="Columns" title="Columns">
          <Icon name="columns" size={15} />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {all.map(({ id, label }) => {
          const isShown = !hidden.includes(id);
          return (
            <Menu.Item
              key={id}
              role="menuitemcheckbox"
              aria-checked={isShown}
              leftSection={<Checkbox.Indicator size="xs" checked={isShown} />}
              onClick={() => onChoose(id, !isShown)}
            >
              {label}
            </Menu.Item>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );
}
