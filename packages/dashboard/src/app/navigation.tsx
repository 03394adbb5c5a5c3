import { Kbd } from '@mantine/core';
import { useLocation } from '@tanstack/react-router';
import { mayUse } from '../api/session.store.ts';
import { signOut } from '../api/session.ts';
import { useSession } from '../api/use.session.ts';
import { Icon } from '../ui/icon.tsx';
import { Link } from '../ui/link.tsx';
import { showProblem } from '../ui/toasts.tsx';
import { Brand } from './brand.tsx';
import type { Page } from './page.ts';
import { GROUPS, pages } from './page.registry.ts';
import { paletteStore } from './shortcuts.ts';
import { ThemeButton } from './theme.button.tsx';
import classes from './navigation.module.css';

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);

export function Navigation() {
  const session = useSession();
  const { pathname } = useLocation();
  const seen = pages.filter((page) => mayUse(session?.scopes ?? [], page.scope));
  return (
    <div className={classes['column']}>
      <div className={classes['head']}>
        <Brand />
        <ThemeButton />
      </div>
      <button type="button" className={classes['find']} onClick={() => paletteStore.set('palette')}>
        <Icon name="search" size={16} />
        <span>Find…</span>
        <Kbd size="xs">{isMac ? '⌘K' : 'Ctrl K'}</Kbd>
      </button>
      <nav aria-label="Pages" className={classes['nav']}>
        {GROUPS.map((group) => (
          <PageGroup key={group} group={group} pages={seen.filter((page) => page.group === group)} at={pathname} />
        ))}
      </nav>
      <div className={classes['foot']}>
        <button type="button" className={classes['footItem']} onClick={() => paletteStore.set('keys')}>
          Keys <Kbd size="xs">?</Kbd>
        </button>
        <a className={classes['footItem']} href="/docs/">
          API reference
        </a>
        {session?.mode === 'open' ? (
          <span className={classes['who']}>Open on this machine</span>
        ) : (
          <button type="button" className={classes['footItem']} onClick={() => void signOut().catch(showProblem)}>
            <Icon name="out" size={16} /> Sign out{session?.name == null ? '' : ` ${session.name}`}
          </button>
        )}
      </div>
    </div>
  );
}

function PageGroup({ group, pages: shown, at }: { group: string; pages: readonly Page[]; at: string }) {
  if (shown.length === 0) return null;
  const id = `group-${group}`;
  return (
    <div role="group" aria-labelledby={id}>
      <div id={id} className={classes['group']}>
        {group}
      </div>
      {shown.map((page) => {
        const isHere = page.path === '/' ? at === '/' : at === page.path || at.startsWith(`${page.path}/`);
        return (
          <Link
            key={page.path}
            to={page.path}
            className={classes['link']}
            {...(isHere ? { 'aria-current': 'page' as const } : {})}
          >
            <Icon name={page.icon} />
            {page.title}
          </Link>
        );
      })}
    </div>
  );
}
