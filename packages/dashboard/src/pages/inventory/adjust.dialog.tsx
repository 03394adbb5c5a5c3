import { useState } from 'react';
import { Checkbox, SegmentedControl, Select, TextInput } from '@mantine/core';
import { holdfast } from '../../api/holdfast.ts';
import { useLocations } from '../../api/use.locations.ts';
import { useCommand } from '../../api/use.command.tsx';
import { LocationSelect } from '../../ui/location.select.tsx';
import { formatNumber } from '../../ui/num.tsx';
import { PreviewedAction } from '../../ui/previewed.action.tsx';
import { wordOf } from '../../ui/movement.rules.ts';
import { UnitsInput } from '../../ui/units.input.tsx';
import type { ShownLevel } from './level.shapes.ts';
import { levelAt, previewAdjustment, type Way } from './preview.rules.ts';
import { takeBack } from './product.ledger.tsx';

const WAYS: { value: Way; label: string }[] = [
  { value: 'add', label: 'Put in' },
  { value: 'subtract', label: 'Take out' },
  { value: 'set', label: 'Counted' },
];

/** Which kinds go with which way; the first is the usual one. */
const KINDS = {
  add: ['receipt', 'return', 'adjustment'],
  subtract: ['adjustment', 'damage', 'theft', 'spoilage'],
  set: ['count', 'adjustment'],
} as const satisfies Record<Way, readonly string[]>;
type Kind = (typeof KINDS)[Way][number];

interface AdjustDialogProps {
  sku: string;
  levels: readonly ShownLevel[];
  /** The location that was asked for. */
  at: string | null;
  onClose: () => void;
}

/** Puts units in, takes some out, or says how many were counted: with the outcome before it happens, and Undo after. */
export function AdjustDialog({ sku, levels, at, onClose }: AdjustDialogProps) {
  const locations = useLocations();
  const [chosen, setLocation] = useState(at ?? levels[0]?.location ?? null);
  // Where there is but one, it is meant.
  const location = chosen ?? (locations.length === 1 ? (locations[0]?.code ?? null) : null);
  const [way, setWay] = useState<Way>('add');
  const [kind, setKind] = useState<Kind>('receipt');
  const [quantity, setQuantity] = useState<number | ''>('');
  const [reason, setReason] = useState('');
  const [force, setForce] = useState(false);
  const adjust = useCommand({
    run: async () => {
      const { data } = await holdfast.POST('/api/v1/inventory/{sku}/adjust', {
        params: { path: { sku } },
        body: {
          location: location ?? '',
          type: way,
          quantity: Number(quantity),
          movement: kind,
          ...(reason.trim() === '' ? {} : { reason: reason.trim() }),
          ...(isForced ? { force: true } : {}),
        },
      });
      return data;
    },
    done: (answer) => {
      onClose();
      const delta = answer?.movement.deltaOnHand ?? 0;
      return `${wordOf(kind)} ${formatNumber(delta, { signed: true })} of ${sku} at ${location}: ${formatNumber(answer?.level.onHand ?? 0)} on hand`;
    },
    undo: (answer) => () => (answer === undefined ? Promise.resolve() : takeBack(sku, answer.movement)),
    stale: ['/api/v1/inventory/{sku}', '/api/v1/inventory/{sku}/ledger', '/api/v1/inventory', '/api/v1/summary'],
    showsRefusals: true,
  });
  const level = levelAt(location, levels, locations);
  const isReady = location !== null && quantity !== '' && (way === 'set' || quantity > 0);
  const plain = isReady ? previewAdjustment(level, { way, quantity, force: false }) : null;
  const forced = isReady ? previewAdjustment(level, { way, quantity, force: true }) : null;
  const isShort = plain?.refusal != null && forced?.refusal === null;
  const isForced = isShort && force;
  const preview = isForced ? forced : plain;
  const chooseWay = (next: Way): void => {
    setWay(next);
    setKind(KINDS[next][0]);
    setForce(false);
  };
  return (
    <PreviewedAction
      title={`Adjust ${sku}`}
      verb={way === 'add' ? 'Put in' : way === 'subtract' ? 'Take out' : 'Set'}
      preview={preview}
      isPending={adjust.isPending}
      error={adjust.error}
      onSubmit={() => adjust.mutate()}
      onClose={onClose}
    >
      <SegmentedControl fullWidth aria-label="What to do" value={way} onChange={chooseWay} data={WAYS} />
      <LocationSelect
        label="Location"
        data-field="location"
        locations={locations}
        value={location}
        onChange={(next) => {
          setLocation(next);
          setForce(false);
        }}
      />
      <UnitsInput
        name="quantity"
        label={way === 'set' ? 'Units counted' : 'Units'}
        value={quantity}
        onChange={(next) => {
          setQuantity(next);
          setForce(false);
        }}
        min={way === 'set' ? 0 : 1}
        required
        data-autofocus
      />
      <Select
        label="Kind"
        data-field="movement"
        value={kind}
        onChange={(next) => setKind(next as Kind)}
        data={KINDS[way].map((value) => ({ value, label: wordOf(value) }))}
      />
      <TextInput
        label="Reason"
        name="reason"
        placeholder="Why, for who reads the ledger"
        value={reason}
        maxLength={500}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      {isShort && (
        <Checkbox
          size="xs"
          label="Do it all the same: the units are not there"
          checked={force}
          onChange={(event) => setForce(event.currentTarget.checked)}
        />
      )}
    </PreviewedAction>
  );
}
