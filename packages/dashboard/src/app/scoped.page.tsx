import type { FunctionComponent } from 'react';
import { useMay, useSession } from '../api/use.session.ts';
import { EmptyState } from '../ui/empty.state.tsx';
import { PageHeader } from '../ui/page.header.tsx';
import type { Page } from './page.ts';

type Titled = Pick<Page, 'title' | 'scope'>;
type Loaded = FunctionComponent & { preload: () => Promise<void> };

/** A page whose address was sent to somebody who may not use it says so, instead of what the server refuses. */
export function scopedPage({ title, scope }: Titled, Shown: Loaded): Loaded {
  const Scoped = () => (useMay(scope) ? <Shown /> : <NotGranted title={title} scope={scope} />);
  Scoped.preload = Shown.preload;
  return Scoped;
}

function NotGranted({ title, scope }: Titled) {
  const scopes = useSession()?.scopes ?? [];
  return (
    <>
      <PageHeader title={title} />
      <EmptyState title="This is not open to you" icon="key">
        It needs the scope {scope}; you have {scopes.length === 0 ? 'none' : scopes.join(', ')}. An admin gives it,
        under People.
      </EmptyState>
    </>
  );
}
