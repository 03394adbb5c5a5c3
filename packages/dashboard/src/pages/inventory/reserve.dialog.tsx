import { useState } from 'react';
import { Select, TextInput } from '@mantine/core';
import { holdfast } from '../../api/holdfast.ts';
import { useCommand } from '../../api/use.command.tsx';
import { formatNumber } from '../../ui/num.tsx';
import { PreviewedAction } from '../../ui/previewed.action.tsx';
import { UnitsInput } from '../../ui/units.input.tsx';
import type { ShownLevel } from './level.shapes.ts';
import { previewHold } from './preview.rules.ts';

const HELD_FOR = [
  { value: '300', label: '5 minutes' },
  { value: '900', label: '15 minutes' },
  { value: '3600', label: 'An hour' },
  { value: '86400', label: 'A day' },
  { value: '604800', label: 'A week' },
];

interface ReserveDialogProps {
  sku: string;
  levels: readonly ShownLevel[];
  onClose: () => void;
}

/** Holds units for an order, for as long as is said. */
export function ReserveDialog({ sku, levels, onClose }: ReserveDialogProps) {
  const [location, setLocation] = useState(mostAvailable(levels));
  const [quantity, setQuantity] = useState<number | ''>('');
  const [orderId, setOrderId] = useState('');
  const [ttl, setTtl] = useState<string | null>('900');
  const reserve = useCommand({
    run: async () => {
      const { data } = await holdfast.POST('/api/v1/inventory/{sku}/reserve', {
        params: { path: { sku } },
        body: {
          quantity: Number(quantity),
          ttlSeconds: Number(ttl),
          ...(location === null ? {} : { location }),
          ...(orderId.trim() === '' ? {} : { orderId: orderId.trim() }),
        },
      });
      return data;
    },
    done: () => {
      onClose();
      return `Reserved ${formatNumber(Number(quantity))} of ${sku}${orderId.trim() === '' ? '' : ` for ${orderId.trim()}`}`;
    },
    undo: (hold) => async () =>
      hold === undefined
        ? null
        : holdfast.POST('/api/v1/reservations/{id}/cancel', { params: { path: { id: hold.id } }, body: {} }),
    stale: ['/api/v1/inventory/{sku}', '/api/v1/inventory/{sku}/ledger', '/api/v1/reservations', '/api/v1/summary'],
    showsRefusals: true,
  });
  const level = levels.find((known) => known.location === location);
  const isReady = level !== undefined && quantity !== '' && quantity > 0;
  return (
    <PreviewedAction
      title={`Reserve ${sku}`}
      verb="Reserve"
      preview={isReady ? previewHold(level, quantity) : null}
      isPending={reserve.isPending}
      error={reserve.error}
      onSubmit={() => reserve.mutate()}
      onClose={onClose}
    >
      <UnitsInput
        name="quantity"
        label="Units"
        value={quantity}
        onChange={setQuantity}
        min={1}
        required
        data-autofocus
      />
      <Select
        label="At"
        data-field="location"
        value={location}
        onChange={setLocation}
        data={levels.map(({ location: code, available }) => {
          return { value: code, label: `${code} · ${formatNumber(available)} available` };
        })}
        required
      />
      <TextInput
        label="Order"
        name="orderId"
        placeholder="ORDER-1001"
        value={orderId}
        maxLength={255}
        onChange={(event) => setOrderId(event.currentTarget.value)}
      />
      <Select label="Held for" data-field="ttlSeconds" value={ttl} onChange={setTtl} data={HELD_FOR} />
    </PreviewedAction>
  );
}

function mostAvailable(levels: readonly ShownLevel[]): string | null {
  return levels.toSorted((left, right) => right.available - left.available)[0]?.location ?? null;
}
