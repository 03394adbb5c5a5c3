import { useState, type SubmitEvent } from 'react';
import { Button, Menu, Popover, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { Icon } from './icon.tsx';
import { isSameView, parseViews, viewOf, type View } from './saved.views.rules.ts';
import { useFilters } from './use.filters.ts';
import classes from './saved.views.module.css';

interface SavedViewsProps {
  /** Of the list that they belong to. */
  name: string;
  /** Views that everybody has. */
  usual: readonly View[];
}

/** Filters and sort under a name; a reader's own are kept on this machine. */
export function SavedViews({ name, usual }: SavedViewsProps) {
  const storageKey = `holdfast.views.${name}`;
  const [own, setOwn] = useState(() => parseViews(read(storageKey)));
  const [isNaming, setIsNaming] = useState(false);
  const [filters] = useFilters();
  const navigate = useNavigate();
  const present = viewOf(filters);
  const all = [...usual, ...own];
  const shown = all.find((view) => isSameView(view.filters, present));
  const keep = (views: View[]): void => {
    setOwn(views);
    try {
      localStorage.setItem(storageKey, JSON.stringify(views));
    } catch {
      // Without storage they last as long as the page.
    }
  };
  const show = (view: View): void => void navigate({ to: '.', search: view.filters });
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" leftSection={<Icon name="star" size={16} />}>
            {shown === undefined ? 'Views' : shown.name}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {all.map((view) => (
            <Menu.Item key={view.name} onClick={() => show(view)} {...(view === shown ? { 'aria-current': true } : {})}>
              {view.name}
            </Menu.Item>
          ))}
          <Menu.Divider />
          {shown === undefined && <Menu.Item onClick={() => setIsNaming(true)}>Keep this view…</Menu.Item>}
          {shown !== undefined && own.includes(shown) && (
            <Menu.Item onClick={() => keep(own.filter((view) => view !== shown))}>Forget “{shown.name}”</Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      {isNaming && (
        <NameView
          onName={(given) => {
            keep([...own.filter((view) => view.name !== given), { name: given, filters: present }]);
            setIsNaming(false);
          }}
          onClose={() => setIsNaming(false)}
        />
      )}
    </>
  );
}

function NameView({ onName, onClose }: { onName: (name: string) => void; onClose: () => void }) {
  const [name, setName] = useState('');
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (name.trim() !== '') onName(name.trim());
  };
  return (
    <Popover opened onDismiss={onClose} trapFocus position="bottom-end">
      <Popover.Target>
        <span className={classes['anchor']} />
      </Popover.Target>
      <Popover.Dropdown>
        <form onSubmit={submit} className={classes['form']}>
          <TextInput
            label="Name of the view"
            value={name}
            maxLength={60}
            data-autofocus
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Button type="submit">Keep it</Button>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
