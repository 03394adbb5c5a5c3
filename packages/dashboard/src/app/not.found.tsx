import { useLocation } from '@tanstack/react-router';
import { EmptyState } from '../ui/empty.state.tsx';
import { PageHeader } from '../ui/page.header.tsx';
import { Link } from '../ui/link.tsx';

export function NotFound() {
  const { pathname } = useLocation();
  return (
    <>
      <PageHeader title="No such page" />
      <EmptyState title={`There is nothing at ${pathname.slice(0, 120)}`} icon="search">
        It may have been renamed. <Link to="/">Go to Home</Link>, or press Ctrl K and type what you look for.
      </EmptyState>
    </>
  );
}
