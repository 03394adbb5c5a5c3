import { useEffect, useState } from 'react';
import { useDebouncedValue } from '@mantine/hooks';
import { createSpotlight, Spotlight, useSpotlight } from '@mantine/spotlight';
import '@mantine/spotlight/styles.css';
import { useMantineColorScheme } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { mayUse } from '../api/session.store.ts';
import { signOut } from '../api/session.ts';
import { useGet } from '../api/queries.ts';
import { useLocations } from '../api/use.locations.ts';
import { useSession } from '../api/use.session.ts';
import { Icon, type IconName } from '../ui/icon.tsx';
import { pathOf } from '../ui/link.tsx';
import { showProblem } from '../ui/toasts.tsx';
import { pages } from './page.registry.ts';

interface Command {
  id: string;
  label: string;
  description?: string;
  icon: IconName;
  keywords?: string;
  run: () => void;
}

const [store, spotlight] = createSpotlight();

const SEARCH_AFTER_MS = 120;
const FOUND_MAX = 6;
const ORDER_MIN_LENGTH = 2;

/** Ctrl or Cmd K: every page and command, and what the server finds. Loaded when it is first opened. */
export function Palette({ onClose }: { onClose: () => void }) {
  const [query, setQuery] = useState('');
  useEffect(() => spotlight.open(), []);
  const commands = useCommands().filter(({ label, keywords = '' }) => matches(query, `${label} ${keywords}`));
  const found = useFound(query.trim());
  const shown = [...found, ...commands].map(({ id }) => id).join('\n');
  const { listId } = useSpotlight(store);
  useEffect(() => selectFirst(listId), [shown, listId]);
  return (
    <Spotlight.Root
      store={store}
      attributes={{ content: { 'aria-label': 'Find anything' } }}
      query={query}
      onQueryChange={setQuery}
      onSpotlightClose={onClose}
      shortcut={null}
      scrollable
      maxHeight={420}
      overlayProps={{ backgroundOpacity: 0.35, blur: 0 }}
      transitionProps={{ duration: 0 }}
    >
      <Spotlight.Search placeholder="A product, an order, a location, a page…" aria-label="Find anything" size="md" />
      <Spotlight.ActionsList>
        {found.length > 0 && <CommandGroup label="Found" commands={found} />}
        {commands.length > 0 && <CommandGroup label="Go to and do" commands={commands} />}
        {found.length + commands.length === 0 && <Spotlight.Empty>Nothing is called that here</Spotlight.Empty>}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}

/** Enter takes the first one. Mantine marks the selected one by an attribute, and has no way to begin with one. */
function selectFirst(listId: string): void {
  if (listId === '') return;
  const actions = document.querySelectorAll(`#${listId} [data-action]`);
  for (const [index, action] of actions.entries()) {
    if (index === 0) action.setAttribute('data-selected', 'true');
    else action.removeAttribute('data-selected');
  }
  store.updateState((state) => ({ ...state, selected: 0 }));
}

function CommandGroup({ label, commands }: { label: string; commands: Command[] }) {
  return (
    <Spotlight.ActionsGroup label={label}>
      {commands.map(({ id, label: name, description, icon, run }) => (
        <Spotlight.Action
          key={id}
          label={name}
          {...(description === undefined ? {} : { description })}
          leftSection={<Icon name={icon} />}
          onClick={run}
        />
      ))}
    </Spotlight.ActionsGroup>
  );
}

/** Every word that was typed begins a word. */
export function matches(query: string, text: string): boolean {
  const words = text.toLowerCase().split(/[\s,/-]+/);
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((part) => words.some((word) => word.startsWith(part)));
}

function useCommands(): Command[] {
  const navigate = useNavigate();
  const session = useSession();
  const { setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  const places = pages
    .filter(({ scope }) => mayUse(session?.scopes ?? [], scope))
    .map(({ path, title, icon, keywords }): Command => {
      return {
        id: path,
        label: title,
        icon,
        run: () => void navigate({ to: path }),
        ...(keywords === undefined ? {} : { keywords }),
      };
    });
  const theme = (scheme: 'light' | 'dark' | 'auto', label: string, icon: IconName): Command => {
    return { id: `theme-${scheme}`, label, icon, keywords: 'theme colour', run: () => setColorScheme(scheme) };
  };
  return [
    ...places,
    theme('light', 'Light theme', 'sun'),
    theme('dark', 'Dark theme', 'moon'),
    theme('auto', "The system's theme", 'sliders'),
    {
      id: 'docs',
      label: 'API reference',
      icon: 'book',
      keywords: 'docs openapi',
      run: () => location.assign('/docs/'),
    },
    ...(session?.mode === 'open'
      ? []
      : [{ id: 'out', label: 'Sign out', icon: 'out' as const, run: () => void signOut().catch(showProblem) }]),
  ];
}

/** Products by sku and name, reservations by order, locations by code and name. */
function useFound(query: string): Command[] {
  const navigate = useNavigate();
  const [asked] = useDebouncedValue(query, SEARCH_AFTER_MS);
  const isOn = asked !== '';
  const products = useGet('/api/v1/products', { query: { search: asked, limit: FOUND_MAX } }, { enabled: isOn });
  const orders = useGet(
    '/api/v1/reservations',
    { query: { orderId: asked, limit: FOUND_MAX } },
    { enabled: asked.length >= ORDER_MIN_LENGTH },
  );
  const places = useLocations({ enabled: isOn });
  if (!isOn) return [];
  return [
    ...(products.data?.items ?? []).map(({ sku, name }): Command => {
      const run = (): void => void navigate({ to: pathOf('/inventory', sku) });
      return { id: `product ${sku}`, label: name, description: sku, icon: 'tag', run };
    }),
    ...(orders.data?.items ?? []).map(({ id, orderId, status }): Command => {
      const run = (): void => void navigate({ to: pathOf('/reservations', id) });
      return { id, label: `Order ${orderId}`, description: status, icon: 'hold', run };
    }),
    ...places
      .filter(({ code, name }) => matches(asked, `${code} ${name}`))
      .slice(0, FOUND_MAX)
      .map(({ code, name }): Command => {
        const run = (): void => void navigate({ to: '/inventory', search: { location: code } });
        return { id: `location ${code}`, label: name, description: code, icon: 'pin', run };
      }),
  ];
}
