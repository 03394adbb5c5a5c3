import { useState } from 'react';
import { useNavigate } from '@tanstack/react-router';
import { Button } from '@mantine/core';
import type { Item } from '../../api/queries.ts';
import { usePages } from '../../api/use.pages.ts';
import { useMay } from '../../api/use.session.ts';
import { DataTable, type Column } from '../../ui/data.table.tsx';
import { EmptyState } from '../../ui/empty.state.tsx';
import { FilterBar } from '../../ui/filter.bar.tsx';
import { Icon } from '../../ui/icon.tsx';
import { Num } from '../../ui/num.tsx';
import { PageHeader } from '../../ui/page.header.tsx';
import { TimeAgo } from '../../ui/time.tsx';
import { pick, useFilters } from '../../ui/use.filters.ts';
import { ProductDetail } from './product.detail.tsx';
import { ProductForm } from './product.form.tsx';

type Product = Item<'/api/v1/products'>;
type NumberField = 'reorderPoint' | 'reorderQuantity' | 'maxLevel' | 'safetyStock' | 'unitCost';

const COLUMNS: Column<Product>[] = [
  {
    id: 'sku',
    label: 'Sku',
    width: 'minmax(110px, 1fr)',
    onPhone: { place: 1, width: 'max(84px, 50vw - 95px)' },
    sortBy: 'sku',
    render: ({ sku }) => sku,
  },
  {
    id: 'name',
    label: 'Name',
    width: 'minmax(160px, 2.2fr)',
    onPhone: { place: 2, width: 'max(110px, 50vw - 45px)' },
    sortBy: 'name',
    render: ({ name }) => name,
  },
  { id: 'category', label: 'Category', width: 'minmax(90px, 1fr)', render: ({ category }) => category ?? '–' },
  number('unitCost', 'Unit cost'),
  { ...number('reorderPoint', 'Reorder at'), onPhone: { place: 3, width: '88px' } },
  { ...number('reorderQuantity', 'Reorder by'), isExtra: true },
  { ...number('maxLevel', 'At most'), isExtra: true },
  number('safetyStock', 'Safety stock'),
  {
    id: 'updatedAt',
    label: 'Changed',
    width: '116px',
    align: 'end',
    render: ({ updatedAt }) => <TimeAgo at={updatedAt} />,
  },
];

function number(field: NumberField, label: string): Column<Product> {
  return {
    id: field,
    label,
    width: '108px',
    align: 'end',
    render: (product) => (product[field] === null ? '–' : <Num value={product[field]} />),
  };
}

const FILTERS = [
  { name: 'category', label: 'Category', placeholder: 'kitchen' },
  { name: 'archived', label: 'Archived', options: [{ value: 'true', label: 'Yes' }] },
];

/** What is stocked. */
export function ProductsView() {
  const navigate = useNavigate();
  const [filters] = useFilters();
  const asked = pick(filters, ['search', 'category', 'archived', 'sort']);
  const rows = usePages('/api/v1/products', { query: asked as never });
  const mayEdit = useMay('admin');
  const [isAdding, setIsAdding] = useState(false);
  const isFiltered = Object.keys(asked).some((name) => name !== 'sort');
  return (
    <>
      <PageHeader
        title="Products"
        about="What is stocked, and the settings that its levels follow until they have their own."
        actions={
          mayEdit && (
            <>
              <Button
                variant="default"
                leftSection={<Icon name="upload" size={16} />}
                onClick={() => void navigate({ to: '/products/import' })}
              >
                Import
              </Button>
              <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setIsAdding(true)}>
                New product
              </Button>
            </>
          )
        }
      />
      <FilterBar
        filters={FILTERS}
        search={{ name: 'search', label: 'Search products', placeholder: 'Part of a sku or name' }}
      />
      <DataTable
        name="Products"
        columns={COLUMNS}
        rows={rows}
        keyOf={({ sku }) => sku}
        panel={{
          title: ({ sku, name }) => `${sku}: ${name}`,
          render: ({ sku }, close) => <ProductDetail sku={sku} onGone={close} />,
        }}
        empty={isFiltered ? <NothingFound /> : <NoProducts />}
      />
      {isAdding && <ProductForm onClose={() => setIsAdding(false)} />}
    </>
  );
}

function NothingFound() {
  return (
    <EmptyState title="No product is like that" icon="search">
      Take a filter away, or look for less of the name.
    </EmptyState>
  );
}

function NoProducts() {
  return (
    <EmptyState
      title="No products yet"
      icon="tag"
      curl={{ method: 'POST', path: '/api/v1/products', body: { sku: 'MUG', name: 'Mug, blue' } }}
    >
      A product is anything that you stock and sell. Make one here, or import a list of them.
    </EmptyState>
  );
}
