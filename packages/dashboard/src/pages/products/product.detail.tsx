import { useState } from 'react';
import { Button, Skeleton } from '@mantine/core';
import { holdfast } from '../../api/holdfast.ts';
import { useGet, type Item } from '../../api/queries.ts';
import { useCommand } from '../../api/use.command.tsx';
import { useMay } from '../../api/use.session.ts';
import { ButtonRow } from '../../ui/button.row.tsx';
import { ConfirmDialog } from '../../ui/confirm.dialog.tsx';
import { Fact, Facts } from '../../ui/facts.tsx';
import { Link, pathOf } from '../../ui/link.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { Moment } from '../../ui/time.tsx';
import { ProductForm } from './product.form.tsx';
import classes from './products.module.css';

type Product = Item<'/api/v1/products'>;

export function ProductDetail({ sku, onGone }: { sku: string; onGone: () => void }) {
  const { data, error, refetch } = useGet('/api/v1/products/{sku}', { path: { sku } });
  if (error !== null && data === undefined) return <ProblemNotice error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Skeleton height={240} />;
  return (
    <>
      <ProductFacts product={data} />
      {data.archivedAt === null && <Actions product={data} onGone={onGone} />}
    </>
  );
}

function ProductFacts({ product }: { product: Product }) {
  const facts = [
    ['Category', product.category],
    ['Unit cost', product.unitCost],
    ['Reorder at', product.reorderPoint],
    ['Reorder by', product.reorderQuantity],
    ['At most', product.maxLevel],
    ['Safety stock', product.safetyStock],
  ] as const;
  return (
    <>
      {product.description !== null && <p className={classes['description']}>{product.description}</p>}
      <Facts>
        {facts.map(([label, value]) => (
          <Fact key={label} label={label}>
            {value === null ? '–' : value.toLocaleString()}
          </Fact>
        ))}
        {Object.entries(product.attributes ?? {}).map(([name, value]) => (
          <Fact key={name} label={name}>
            {typeof value === 'string' ? value : JSON.stringify(value)}
          </Fact>
        ))}
        <Fact label="Changed">
          <Moment at={product.updatedAt} />
        </Fact>
        {product.archivedAt !== null && (
          <Fact label="Archived">
            <Moment at={product.archivedAt} />
          </Fact>
        )}
        <Fact label="Stock">
          <Link to={pathOf('/inventory', product.sku)}>Its levels, movements and holds</Link>
        </Fact>
      </Facts>
    </>
  );
}

function Actions({ product, onGone }: { product: Product; onGone: () => void }) {
  const mayEdit = useMay('admin');
  const [asked, setAsked] = useState<'edit' | 'archive' | null>(null);
  if (!mayEdit) return null;
  return (
    <ButtonRow>
      <Button onClick={() => setAsked('edit')}>Edit</Button>
      <Button variant="default" onClick={() => setAsked('archive')}>
        Archive
      </Button>
      {asked === 'edit' && <ProductForm product={product} onClose={() => setAsked(null)} />}
      {asked === 'archive' && <ArchiveDialog sku={product.sku} onGone={onGone} onClose={() => setAsked(null)} />}
    </ButtonRow>
  );
}

function ArchiveDialog({ sku, onGone, onClose }: { sku: string; onGone: () => void; onClose: () => void }) {
  const archive = useCommand({
    run: async () => {
      await holdfast.DELETE('/api/v1/products/{sku}', { params: { path: { sku } } });
      onGone();
    },
    done: () => `Archived ${sku}`,
    stale: ['/api/v1/products', '/api/v1/products/{sku}', '/api/v1/summary'],
    showsRefusals: true,
  });
  return (
    <ConfirmDialog
      title={`Archive ${sku}?`}
      verb="Archive the product"
      isDangerous
      typeToConfirm={sku}
      isPending={archive.isPending}
      error={archive.error}
      onConfirm={() => archive.mutate()}
      onClose={onClose}
    >
      <p className={classes['said']}>
        It leaves the lists, its sku stays taken, and its history stays in the ledger. Only a product without stock and
        without open reservations can be archived, and it cannot be brought back.
      </p>
    </ConfirmDialog>
  );
}
