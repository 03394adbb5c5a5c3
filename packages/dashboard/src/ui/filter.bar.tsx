import { useEffect, useRef, useState, type ReactNode } from 'react';
import { Button, Menu, Popover, TextInput } from '@mantine/core';
import { Icon } from './icon.tsx';
import { useFilters } from './use.filters.ts';
import classes from './filter.bar.module.css';

export interface Filter {
  /** The query parameter. */
  name: string;
  label: string;
  /** To choose from; without them it is typed. */
  options?: readonly { value: string; label: string }[];
  placeholder?: string;
}

interface FilterBarProps {
  filters: readonly Filter[];
  /** The parameter that is searched as one types, where there is one. */
  search?: { name: string; label: string; placeholder?: string };
  children?: ReactNode;
}

/** Search and filters, each a chip in the page's address. */
export function FilterBar({ filters, search, children }: FilterBarProps) {
  const [values, change] = useFilters();
  const active = filters.filter(({ name }) => values[name] !== undefined);
  const others = filters.filter(({ name }) => values[name] === undefined);
  const [added, setAdded] = useState<string | null>(null);
  const typed = others.find(({ name }) => name === added);
  return (
    <div className={classes['bar']} role="search">
      {search !== undefined && <SearchField {...search} />}
      {[...active, ...(typed === undefined ? [] : [typed])].map((filter) => (
        <FilterChip
          key={filter.name}
          filter={filter}
          value={values[filter.name] ?? null}
          onChange={(value) => {
            setAdded(null);
            change({ [filter.name]: value });
          }}
        />
      ))}
      {others.length > 0 && (
        <Menu position="bottom-start">
          <Menu.Target>
            <Button variant="default" leftSection={<Icon name="filter" size={16} />}>
              Filter
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {others.map(({ name, label }) => (
              <Menu.Item key={name} onClick={() => setAdded(name)}>
                {label}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
      {active.length > 1 && (
        <Button variant="subtle" onClick={() => change(Object.fromEntries(active.map(({ name }) => [name, null])))}>
          Clear
        </Button>
      )}
      <span className={classes['end']}>{children}</span>
    </div>
  );
}

interface FilterChipProps {
  filter: Filter;
  value: string | null;
  onChange: (value: string | null) => void;
}

function FilterChip({ filter, value, onChange }: FilterChipProps) {
  const { label, options, placeholder } = filter;
  const [isOpen, setIsOpen] = useState(value === null);
  const shown = options?.find((option) => option.value === value)?.label ?? value ?? '…';
  return (
    <Popover
      opened={isOpen}
      onChange={setIsOpen}
      onDismiss={() => value === null && onChange(null)}
      trapFocus
      withinPortal
    >
      <span className={classes['chip']}>
        <Popover.Target>
          <button type="button" className={classes['value']} onClick={() => setIsOpen(!isOpen)}>
            {label}: <b>{shown}</b>
          </button>
        </Popover.Target>
        <button
          type="button"
          className={classes['remove']}
          aria-label={`Remove the filter ${label}`}
          onClick={() => onChange(null)}
        >
          <Icon name="close" size={14} />
        </button>
      </span>
      <Popover.Dropdown p={options === undefined ? 'xs' : 4}>
        {options === undefined ? (
          <TypedFilter
            label={label}
            value={value ?? ''}
            {...(placeholder === undefined ? {} : { placeholder })}
            onSubmit={(next) => {
              setIsOpen(false);
              onChange(next);
            }}
          />
        ) : (
          <div role="group" aria-label={label} className={classes['options']}>
            {options.map((option) => (
              <button
                key={option.value}
                type="button"
                aria-pressed={option.value === value}
                className={classes['option']}
                onClick={() => {
                  setIsOpen(false);
                  onChange(option.value);
                }}
              >
                {option.label}
              </button>
            ))}
          </div>
        )}
      </Popover.Dropdown>
    </Popover>
  );
}

function TypedFilter(props: { label: string; value: string; placeholder?: string; onSubmit: (value: string) => void }) {
  const { label, value, placeholder, onSubmit } = props;
  const [text, setText] = useState(value);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit(text.trim());
      }}
    >
      <TextInput
        label={label}
        value={text}
        data-autofocus
        {...(placeholder === undefined ? {} : { placeholder })}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <Button type="submit" mt={8} fullWidth>
        Apply
      </Button>
    </form>
  );
}

const SEARCH_AFTER_MS = 180;

function SearchField({ name, label, placeholder }: NonNullable<FilterBarProps['search']>) {
  const [filters, change] = useFilters();
  const shown = filters[name] ?? '';
  const [text, setText] = useState(shown);
  const sent = useRef(shown);
  // The address changed otherwise: back, or a saved view.
  useEffect(() => {
    if (shown !== sent.current) setText(shown);
    sent.current = shown;
  }, [shown]);
  useEffect(() => {
    if (text === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = text;
      change({ [name]: text.trim() === '' ? null : text });
    }, SEARCH_AFTER_MS);
    return () => clearTimeout(timer);
  }, [text, name, change]);
  return (
    <TextInput
      type="search"
      aria-label={label}
      placeholder={placeholder ?? label}
      leftSection={<Icon name="search" size={16} />}
      value={text}
      maxLength={200}
      className={classes['search']}
      onChange={(event) => setText(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && text !== '') {
          event.preventDefault();
          setText('');
        }
      }}
    />
  );
}
