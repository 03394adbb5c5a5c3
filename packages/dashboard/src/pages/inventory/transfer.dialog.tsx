import { useState } from 'react';
import { holdfast } from '../../api/holdfast.ts';
import { useLocations } from '../../api/use.locations.ts';
import { useCommand } from '../../api/use.command.tsx';
import { LocationSelect } from '../../ui/location.select.tsx';
import { formatNumber } from '../../ui/num.tsx';
import { PreviewedAction } from '../../ui/previewed.action.tsx';
import { UnitsInput } from '../../ui/units.input.tsx';
import type { ShownLevel } from './level.shapes.ts';
import { levelAt, previewTransfer } from './preview.rules.ts';

interface TransferDialogProps {
  sku: string;
  levels: readonly ShownLevel[];
  onClose: () => void;
}

/** Moves units from one location to another, both sides at once. */
export function TransferDialog({ sku, levels, onClose }: TransferDialogProps) {
  const locations = useLocations();
  const [from, setFrom] = useState(mostAvailable(levels));
  const [to, setTo] = useState<string | null>(null);
  const [quantity, setQuantity] = useState<number | ''>('');
  const transfer = useCommand({
    run: async (way: { from: string; to: string; quantity: number }) => {
      await holdfast.POST('/api/v1/transfers', {
        body: { from: way.from, to: way.to, lines: [{ sku, quantity: way.quantity }] },
      });
    },
    done: (_answer, way) => {
      onClose();
      return `Moved ${formatNumber(way.quantity)} of ${sku} from ${way.from} to ${way.to}`;
    },
    undo: (_answer, way) => async () =>
      holdfast.POST('/api/v1/transfers', {
        body: { from: way.to, to: way.from, lines: [{ sku, quantity: way.quantity }] },
      }),
    stale: ['/api/v1/inventory/{sku}', '/api/v1/inventory/{sku}/ledger', '/api/v1/inventory', '/api/v1/transfers'],
    showsRefusals: true,
  });
  const isReady = from !== null && to !== null && quantity !== '' && quantity > 0;
  return (
    <PreviewedAction
      title={`Transfer ${sku}`}
      verb="Transfer"
      preview={
        isReady ? previewTransfer(levelAt(from, levels, locations), levelAt(to, levels, locations), quantity) : null
      }
      isPending={transfer.isPending}
      error={transfer.error}
      onSubmit={() => {
        if (isReady) transfer.mutate({ from, to, quantity });
      }}
      onClose={onClose}
    >
      <LocationSelect label="From" data-field="from" locations={locations} value={from} onChange={setFrom} />
      <LocationSelect
        label="To"
        data-field="to"
        locations={locations}
        value={to}
        without={from}
        onChange={setTo}
        placeholder="Choose a location"
      />
      <UnitsInput
        name="quantity"
        label="Units"
        value={quantity}
        onChange={setQuantity}
        min={1}
        required
        data-autofocus
      />
    </PreviewedAction>
  );
}

function mostAvailable(levels: readonly ShownLevel[]): string | null {
  return levels.toSorted((left, right) => right.available - left.available)[0]?.location ?? null;
}
