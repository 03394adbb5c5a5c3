import { lazy, Suspense, useEffect, useState } from 'react';
import { ActionIcon } from '@mantine/core';
import { Outlet, useLocation } from '@tanstack/react-router';
import { Icon } from '../ui/icon.tsx';
import { PartBoundary } from '../ui/part.boundary.tsx';
import { Brand } from './brand.tsx';
import { ConnectionBar } from './connection.bar.tsx';
import { FirstRun } from './first.run.tsx';
import { Navigation } from './navigation.tsx';
import { paletteStore, useShortcuts } from './shortcuts.ts';
import { useStore } from './store.ts';
import { ThemeButton } from './theme.button.tsx';
import classes from './shell.module.css';

// Not before somebody asks for them: the first page loads without.
const Palette = lazy(async () => ({ default: (await import('./palette.tsx')).Palette }));
const KeyHelp = lazy(async () => ({ default: (await import('./key.help.tsx')).KeyHelp }));

/** What is around every page: the navigation, the bar of the connection, the palette. */
export function Shell() {
  const [isNavOpen, setIsNavOpen] = useState(false);
  const { pathname } = useLocation();
  const open = useStore(paletteStore);
  useShortcuts();
  useEffect(() => setIsNavOpen(false), [pathname]);
  return (
    <div className={classes['shell']}>
      <a className={classes['skip']} href="#main">
        Skip to the content
      </a>
      <header className={classes['top']}>
        <div className={classes['bar']}>
          <ActionIcon
            variant="subtle"
            color="gray"
            size="lg"
            aria-label="Menu"
            aria-expanded={isNavOpen}
            aria-controls="navigation"
            onClick={() => setIsNavOpen(!isNavOpen)}
          >
            <Icon name={isNavOpen ? 'close' : 'menu'} />
          </ActionIcon>
          <Brand />
          <span className={classes['barEnd']}>
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              aria-label="Search"
              onClick={() => paletteStore.set('palette')}
            >
              <Icon name="search" />
            </ActionIcon>
            <ThemeButton />
          </span>
        </div>
        <div id="navigation" className={classes['side']} data-open={isNavOpen || undefined}>
          <Navigation />
        </div>
      </header>
      <div className={classes['content']}>
        <ConnectionBar />
        <FirstRun />
        <main id="main" className={classes['main']} tabIndex={-1}>
          <Outlet />
        </main>
      </div>
      <PartBoundary key={open} fallback={null}>
        <Suspense fallback={null}>
          {open === 'palette' && <Palette onClose={() => paletteStore.set(null)} />}
          {open === 'keys' && <KeyHelp onClose={() => paletteStore.set(null)} />}
        </Suspense>
      </PartBoundary>
    </div>
  );
}
