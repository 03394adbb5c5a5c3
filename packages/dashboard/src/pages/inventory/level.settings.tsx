import { useState } from 'react';
import { Modal, TextInput } from '@mantine/core';
import { holdfast } from '../../api/holdfast.ts';
import { useCommand } from '../../api/use.command.tsx';
import { useGet, type Answer } from '../../api/queries.ts';
import { DialogForm } from '../../ui/form.dialog.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { UnitsInput } from '../../ui/units.input.tsx';
import { PageLoading } from '../../app/page.loading.tsx';
import classes from './product.module.css';

type Level = Answer<'/api/v1/inventory/{sku}/locations/{code}'>;
type Setting = 'reorderPoint' | 'reorderQuantity' | 'maxLevel' | 'safetyStock';

const SETTINGS: readonly { name: Setting; label: string; description: string }[] = [
  { name: 'reorderPoint', label: 'Reorder at', description: 'At this many available units or fewer, it is low.' },
  { name: 'reorderQuantity', label: 'Reorder quantity', description: 'How many to order then.' },
  { name: 'maxLevel', label: 'Maximum', description: 'With more on hand than this, it is over.' },
  { name: 'safetyStock', label: 'Safety stock', description: 'Withheld from sale.' },
];
const BIN = ['zone', 'aisle', 'shelf'] as const;

interface LevelSettingsProps {
  sku: string;
  location: string;
  onClose: () => void;
}

/** The settings of one level. Empty ones follow the product's. */
export function LevelSettings({ sku, location, onClose }: LevelSettingsProps) {
  // Not begun with what is known from before: the form keeps what it began with.
  const level = useGet('/api/v1/inventory/{sku}/locations/{code}', { path: { sku, code: location } }, { staleTime: 0 });
  return (
    <Modal opened onClose={onClose} title={`${sku} at ${location}`} closeOnClickOutside={false}>
      {level.error !== null && <ProblemNotice error={level.error} />}
      {level.data === undefined || !level.isFetchedAfterMount ? (
        <PageLoading />
      ) : (
        <SettingsForm level={level.data} onClose={onClose} />
      )}
    </Modal>
  );
}

function SettingsForm({ level: latest, onClose }: { level: Level; onClose: () => void }) {
  // As it was when the form was opened: what somebody else changes since is not among what is changed here.
  const [level] = useState(latest);
  const { sku, location } = level;
  const [numbers, setNumbers] = useState<Record<Setting, number | ''>>(() => {
    const { reorderPoint, reorderQuantity, maxLevel, safetyStock } = level;
    return {
      reorderPoint: reorderPoint ?? '',
      reorderQuantity: reorderQuantity ?? '',
      maxLevel: maxLevel ?? '',
      safetyStock,
    };
  });
  const [bin, setBin] = useState(() => {
    const { zone, aisle, shelf } = level.bin;
    return { zone: zone ?? '', aisle: aisle ?? '', shelf: shelf ?? '' };
  });
  const save = useCommand({
    run: async () => {
      const { data } = await holdfast.PATCH('/api/v1/inventory/{sku}/locations/{code}', {
        params: { path: { sku, code: location } },
        body: changesOf(level, numbers, bin),
      });
      onClose();
      return data;
    },
    done: () => `Settings of ${sku} at ${location} are changed`,
    stale: [
      '/api/v1/inventory/{sku}',
      '/api/v1/inventory',
      '/api/v1/inventory/{sku}/locations/{code}',
      '/api/v1/alerts',
    ],
    showsRefusals: true,
  });
  const isChanged = Object.keys(changesOf(level, numbers, bin)).length > 0;
  return (
    <DialogForm
      isPending={save.isPending}
      isDisabled={!isChanged}
      error={save.error}
      onSubmit={() => save.mutate()}
      onClose={onClose}
    >
      {SETTINGS.map(({ name, label, description }) => (
        <UnitsInput
          key={name}
          name={name}
          label={label}
          description={description}
          placeholder="As the product says"
          value={numbers[name]}
          onChange={(next) => setNumbers({ ...numbers, [name]: next })}
          min={0}
        />
      ))}
      <fieldset className={classes['bin']}>
        <legend>Where it stands</legend>
        {BIN.map((part) => (
          <TextInput
            key={part}
            name={`bin/${part}`}
            label={part.replace(/^./, (letter) => letter.toUpperCase())}
            value={bin[part]}
            maxLength={50}
            onChange={(event) => setBin({ ...bin, [part]: event.currentTarget.value })}
          />
        ))}
      </fieldset>
    </DialogForm>
  );
}

interface Changes extends Partial<Record<Setting, number | null>> {
  bin?: Record<(typeof BIN)[number], string | null>;
}

/** Only what was changed, so that what follows the product goes on following it. */
function changesOf(
  level: Level,
  numbers: Record<Setting, number | ''>,
  bin: Record<(typeof BIN)[number], string>,
): Changes {
  const changes: Changes = {};
  for (const { name } of SETTINGS) {
    const value = numbers[name] === '' ? null : numbers[name];
    if (value !== level[name]) changes[name] = value;
  }
  if (BIN.some((part) => (level.bin[part] ?? '') !== bin[part].trim())) {
    const [zone = null, aisle = null, shelf = null] = BIN.map((part) =>
      bin[part].trim() === '' ? null : bin[part].trim(),
    );
    changes.bin = { zone, aisle, shelf };
  }
  return changes;
}
