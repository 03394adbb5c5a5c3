import { useState } from 'react';
import { Button, JsonInput, NumberInput, Textarea, TextInput } from '@mantine/core';
import '@mantine/core/styles/NumberInput.css';
import { HoldfastError } from '@holdfast/client';
import { useQueryClient } from '@tanstack/react-query';
import { holdfast } from '../../api/holdfast.ts';
import type { Item } from '../../api/queries.ts';
import { useCommand } from '../../api/use.command.tsx';
import { FormDialog } from '../../ui/form.dialog.tsx';
import { UnitsInput } from '../../ui/units.input.tsx';
import { attributesOf } from './product.attributes.ts';
import classes from './products.module.css';

type Product = Item<'/api/v1/products'>;

const UNITS = [
  ['reorderPoint', 'Reorder at', 'Low from here on.'],
  ['reorderQuantity', 'Reorder by', 'How many to order then.'],
  ['maxLevel', 'At most', 'Above it is too much.'],
  ['safetyStock', 'Safety stock', 'Never sold.'],
] as const;

type Units = Record<(typeof UNITS)[number][0], number | ''> & { unitCost: number | string };

const numberOf = (value: number | string): number | null => (value === '' ? null : Number(value));
const textOf = (value: string): string | null => (value.trim() === '' ? null : value.trim());

function unitsOf(product: Product | undefined): Units {
  return {
    unitCost: product?.unitCost ?? '',
    reorderPoint: product?.reorderPoint ?? '',
    reorderQuantity: product?.reorderQuantity ?? '',
    maxLevel: product?.maxLevel ?? '',
    safetyStock: product?.safetyStock ?? '',
  };
}

/** A new product, or the one that is given, edited: against the version that was shown. */
export function ProductForm({ product: latest, onClose }: { product?: Product; onClose: () => void }) {
  // As it was when the form was opened: what somebody else changed since is refused, and not written over.
  const [product] = useState(latest);
  const client = useQueryClient();
  const [sku, setSku] = useState(product?.sku ?? '');
  const [name, setName] = useState(product?.name ?? '');
  const [category, setCategory] = useState(product?.category ?? '');
  const [description, setDescription] = useState(product?.description ?? '');
  const [attributes, setAttributes] = useState(
    product?.attributes == null ? '' : JSON.stringify(product.attributes, null, 2),
  );
  const [units, setUnits] = useState(unitsOf(product));
  const parsed = attributesOf(attributes);
  const save = useCommand({
    run: async () => {
      const body = {
        sku: sku.trim(),
        name: name.trim(),
        category: textOf(category),
        description: textOf(description),
        // The document's type for fields of one's own has no members.
        attributes: parsed.value as never,
        unitCost: numberOf(units.unitCost),
        reorderPoint: numberOf(units.reorderPoint),
        reorderQuantity: numberOf(units.reorderQuantity),
        maxLevel: numberOf(units.maxLevel),
        safetyStock: numberOf(units.safetyStock),
      };
      if (product === undefined) await holdfast.POST('/api/v1/products', { body });
      else {
        await holdfast.PATCH('/api/v1/products/{sku}', {
          params: { path: { sku: product.sku }, header: { 'If-Match': `"${product.version}"` } },
          body,
        });
      }
      onClose();
    },
    done: () => (product === undefined ? `Made ${sku.trim()}` : `Saved ${sku.trim()}`),
    stale: ['/api/v1/products', '/api/v1/products/{sku}', '/api/v1/inventory', '/api/v1/inventory/{sku}'],
    showsRefusals: true,
  });
  const wasChanged = save.error instanceof HoldfastError && save.error.status === 412;
  const startAnew = (): void => {
    void client.invalidateQueries({ queryKey: ['/api/v1/products/{sku}'] });
    onClose();
  };
  return (
    <FormDialog
      title={product === undefined ? 'New product' : `Edit ${product.sku}`}
      isDisabled={parsed.error !== null}
      beside={
        wasChanged && (
          <Button variant="default" onClick={startAnew}>
            Show it as it is now
          </Button>
        )
      }
      isPending={save.isPending}
      error={save.error}
      onSubmit={() => save.mutate()}
      onClose={onClose}
    >
      <TextInput
        label="Sku"
        name="sku"
        description="Letters, digits and . _ : -"
        required
        maxLength={64}
        data-autofocus
        value={sku}
        onChange={(event) => setSku(event.currentTarget.value)}
      />
      <TextInput
        label="Name"
        name="name"
        required
        maxLength={200}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <div className={classes['two']}>
        <TextInput
          label="Category"
          name="category"
          maxLength={200}
          value={category}
          onChange={(event) => setCategory(event.currentTarget.value)}
        />
        <NumberInput
          label="Unit cost"
          name="unitCost"
          min={0}
          max={1_000_000_000}
          decimalScale={4}
          value={units.unitCost}
          onChange={(unitCost) => setUnits({ ...units, unitCost })}
        />
        {UNITS.map(([field, label, about]) => (
          <UnitsInput
            key={field}
            name={field}
            label={label}
            description={about}
            value={units[field]}
            onChange={(value) => setUnits({ ...units, [field]: value })}
          />
        ))}
      </div>
      <Textarea
        label="Description"
        name="description"
        autosize
        minRows={2}
        maxLength={5_000}
        value={description}
        onChange={(event) => setDescription(event.currentTarget.value)}
      />
      <JsonInput
        label="Attributes"
        name="attributes"
        description="Fields of your own, as JSON."
        autosize
        minRows={2}
        error={parsed.error}
        value={attributes}
        onChange={setAttributes}
      />
    </FormDialog>
  );
}
