import { useState } from 'react';
import { Button, Skeleton, Tabs } from '@mantine/core';
import '@mantine/core/styles/Tabs.css';
import { HoldfastError } from '@holdfast/client';
import { useGet } from '../../api/queries.ts';
import { useMay } from '../../api/use.session.ts';
import { EmptyState } from '../../ui/empty.state.tsx';
import { LevelBar } from '../../ui/level.bar.tsx';
import { Link } from '../../ui/link.tsx';
import { PageHeader } from '../../ui/page.header.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { SidePanel } from '../../ui/side.panel.tsx';
import { formatTime } from '../../ui/time.format.ts';
import { useFilters, usePathPart } from '../../ui/use.filters.ts';
import { AdjustDialog } from './adjust.dialog.tsx';
import { LevelSettings } from './level.settings.tsx';
import { ReserveDialog } from './reserve.dialog.tsx';
import { ExplainPanel, EXPLAINED, type Explained } from './explain.panel.tsx';
import { asLevel, levelTotals, type ThenLevel } from './level.shapes.ts';
import { ProductAlerts } from './product.alerts.tsx';
import { ProductCourse } from './product.course.tsx';
import { ProductHolds } from './product.holds.tsx';
import { ProductLedger } from './product.ledger.tsx';
import { ProductLevels } from './product.levels.tsx';
import { TransferDialog } from './transfer.dialog.tsx';
import classes from './product.module.css';

type Open = { dialog: 'adjust' | 'transfer' | 'reserve' | 'settings'; location: string | null } | null;

export function ProductView() {
  const sku = usePathPart('sku');
  const [filters, change] = useFilters();
  const { at } = filters;
  const now = useGet('/api/v1/inventory/{sku}', { path: { sku } });
  const then = useGet(
    '/api/v1/inventory/{sku}',
    { path: { sku }, query: { at: at ?? '' } },
    { enabled: at !== undefined },
  );
  const product = useGet('/api/v1/products/{sku}', { path: { sku } });
  const mayChange = useMay('stock') && product.data?.archivedAt === null;
  const mayReserve = useMay('reserve') && product.data?.archivedAt === null;
  const isNow = at === undefined;
  const [open, setOpen] = useState<Open>(null);
  const [explained, setExplained] = useState<Explained | null>(null);

  if (now.error instanceof HoldfastError && now.error.status === 404) return <NoProduct sku={sku} />;
  if (now.isError && now.data === undefined) {
    return (
      <>
        <PageHeader title={sku} />
        <ProblemNotice error={now.error} onRetry={() => void now.refetch()} />
      </>
    );
  }
  if (now.data === undefined) return <ProductSkeleton sku={sku} />;
  const levels: ThenLevel[] | undefined = isNow ? now.data.levels : then.data?.levels;
  const hasLevels = now.data.levels.length > 0;
  return (
    <>
      <PageHeader
        title={now.data.name}
        beside={<code>{sku}</code>}
        about={<Facts category={product.data?.category ?? null} archivedAt={product.data?.archivedAt ?? null} />}
        actions={
          isNow && (
            <>
              {mayReserve && hasLevels && (
                <Button variant="default" onClick={() => setOpen({ dialog: 'reserve', location: null })}>
                  Reserve
                </Button>
              )}
              {mayChange && hasLevels && (
                <Button variant="default" onClick={() => setOpen({ dialog: 'transfer', location: null })}>
                  Transfer
                </Button>
              )}
              {mayChange && <Button onClick={() => setOpen({ dialog: 'adjust', location: null })}>Adjust</Button>}
            </>
          )
        }
      />
      <AsOf at={at} onChange={(next) => change({ at: next })} error={then.error} />
      {levels === undefined && !then.isError && <Skeleton height={120} mb={20} />}
      {levels !== undefined && levels.length === 0 && (
        <EmptyState
          title="Nothing of it was ever received"
          curl={{
            method: 'POST',
            path: `/api/v1/inventory/${encodeURIComponent(sku)}/adjust`,
            body: { location: 'WH001', type: 'add', quantity: 12, movement: 'receipt' },
          }}
        >
          Receive the first units with Adjust: the location shows up here, and every later change on the ledger.
        </EmptyState>
      )}
      {levels !== undefined && levels.length > 0 && (
        <>
          <section aria-label="All locations" className={classes['whole']}>
            <LevelBar level={levelTotals(levels.map(asLevel))} size="page" withLabels />
          </section>
          <ProductLevels
            levels={levels}
            isThen={!isNow}
            onExplain={(part, location) => setExplained({ part, location })}
            {...(mayChange && isNow
              ? {
                  onAdjust: (location: string) => setOpen({ dialog: 'adjust', location }),
                  onSettings: (location: string) => setOpen({ dialog: 'settings', location }),
                }
              : {})}
          />
        </>
      )}
      <ProductCourse sku={sku} levels={now.data.levels.map(asLevel)} onAt={(next) => change({ at: next })} />
      <Tabs value={filters['tab'] ?? 'movements'} onChange={(tab) => change({ tab: tab === 'movements' ? null : tab })}>
        <Tabs.List>
          <Tabs.Tab value="movements">Movements</Tabs.Tab>
          <Tabs.Tab value="reservations">Reservations</Tabs.Tab>
          <Tabs.Tab value="alerts">Alerts</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="movements" pt="sm">
          <ProductLedger sku={sku} mayUndo={mayChange} />
        </Tabs.Panel>
        <Tabs.Panel value="reservations" pt="sm">
          <ProductHolds sku={sku} />
        </Tabs.Panel>
        <Tabs.Panel value="alerts" pt="sm">
          <ProductAlerts sku={sku} />
        </Tabs.Panel>
      </Tabs>
      {open?.dialog === 'adjust' && (
        <AdjustDialog
          sku={sku}
          levels={now.data.levels.map(asLevel)}
          at={open.location}
          onClose={() => setOpen(null)}
        />
      )}
      {open?.dialog === 'transfer' && (
        <TransferDialog sku={sku} levels={now.data.levels.map(asLevel)} onClose={() => setOpen(null)} />
      )}
      {open?.dialog === 'reserve' && (
        <ReserveDialog sku={sku} levels={now.data.levels.map(asLevel)} onClose={() => setOpen(null)} />
      )}
      {open?.dialog === 'settings' && open.location !== null && (
        <LevelSettings sku={sku} location={open.location} onClose={() => setOpen(null)} />
      )}
      {explained !== null && (
        <SidePanel
          title={`${EXPLAINED[explained.part]}${explained.location === null ? '' : `, ${explained.location}`}: why`}
          onClose={() => setExplained(null)}
        >
          <ExplainPanel sku={sku} explained={explained} levels={now.data.levels.map(asLevel)} />
        </SidePanel>
      )}
    </>
  );
}

function Facts({ category, archivedAt }: { category: string | null; archivedAt: string | null }) {
  return (
    <>
      <Link to="/inventory">Inventory</Link>
      {category !== null && (
        <>
          {' · '}
          <Link to="/inventory" search={{ category }}>
            {category}
          </Link>
        </>
      )}
      {archivedAt !== null && <b> · archived {formatTime(archivedAt)}</b>}
    </>
  );
}

/** While the page shows the past it says so, and leads back. */
function AsOf({
  at,
  onChange,
  error,
}: {
  at: string | undefined;
  onChange: (at: string | null) => void;
  error: unknown;
}) {
  if (at === undefined) return null;
  return (
    <div role="status" className={classes['asOf']}>
      {error == null ? (
        <>
          As it was at <b>{Number.isNaN(Date.parse(at)) ? at : formatTime(at)}</b>, from the ledger. Settings and what
          was available are not kept.
        </>
      ) : (
        <ProblemNotice error={error} />
      )}
      <Button variant="default" size="compact-xs" onClick={() => onChange(null)}>
        Back to now
      </Button>
    </div>
  );
}

function NoProduct({ sku }: { sku: string }) {
  return (
    <>
      <PageHeader title="No such product" />
      <EmptyState title={`There is no product ${sku.slice(0, 80)}`} icon="search">
        It may have been renamed. Look for it in the <Link to="/inventory">inventory</Link>, or with Ctrl K.
      </EmptyState>
    </>
  );
}

function ProductSkeleton({ sku }: { sku: string }) {
  return (
    <div aria-busy="true">
      <PageHeader title={sku} />
      <Skeleton height={18} mb={12} />
      <Skeleton height={120} mb={20} />
      <Skeleton height={200} mb={20} />
      <Skeleton height={260} />
    </div>
  );
}
