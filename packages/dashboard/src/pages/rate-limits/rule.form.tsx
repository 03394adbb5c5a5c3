import { useState } from 'react';
import { Button, NumberInput, Radio, SegmentedControl, Select, TextInput } from '@mantine/core';
import '@mantine/core/styles/NumberInput.css';
import '@mantine/core/styles/Radio.css';
import { holdfast } from '../../api/holdfast.ts';
import { useCommand } from '../../api/use.command.tsx';
import { Choices } from '../../ui/fields.tsx';
import { FormDialog } from '../../ui/form.dialog.tsx';
import { Icon } from '../../ui/icon.tsx';
import { writingOf } from '../../ui/units.rules.ts';
import { DryRun } from './dry.run.tsx';
import { ALGORITHMS, warningsOf, type Algorithm, type RateLimit, type WindowUnit } from './rate-limit.words.ts';
import { bodyOfDraft, draftOf, faultOf, matchOf, type Draft } from './rule.draft.ts';
import { RuleFormMatch, RuleFormMore } from './rule.form.more.tsx';
import classes from './rate-limits.module.css';

const { group } = writingOf();

const STATES = [
  { value: 'shadow', label: 'Shadow' },
  { value: 'on', label: 'On' },
  { value: 'off', label: 'Off' },
];
const STATE_ABOUT: Record<Draft['state'], string> = {
  shadow: 'Counts, and shows what it would have refused. Refuses nothing.',
  on: 'Refuses what is over the limit, with 429 and when to come again.',
  off: 'Counts nothing.',
};
const STALE = ['/api/v1/rate-limits', '/api/v1/rate-limits/{id}', '/api/v1/rate-limits/stats'] as const;

/** A new rule, or the one that is given, edited: tried against the last hour before it is saved. */
export function RuleForm({ rule: latest, onClose }: { rule?: RateLimit; onClose: () => void }) {
  // As it was when the form was opened: what somebody else changed since is refused, and not written over.
  const [rule] = useState(latest);
  const [draft, setDraft] = useState<Draft>(() => draftOf(rule));
  const [tried, setTried] = useState<Draft | null>(null);
  const set = (change: Partial<Draft>): void => setDraft((known) => ({ ...known, ...change }));
  const save = useSave(draft, rule, onClose);
  const fault = faultOf(draft);
  return (
    <FormDialog
      title={rule === undefined ? 'New rate limit' : `Edit ${rule.name}`}
      size="lg"
      isPending={save.isPending}
      isDisabled={fault !== null}
      error={save.error}
      beside={
        <>
          <Button variant="default" disabled={fault !== null} onClick={() => setTried(draft)}>
            Try it against the last hour
          </Button>
          <span className={classes['gap']} />
        </>
      }
      onSubmit={() => save.mutate()}
      onClose={onClose}
    >
      <TextInput
        label="Name"
        name="name"
        description="Refusals and statistics show it."
        required
        maxLength={200}
        placeholder="Checkout"
        data-autofocus
        value={draft.name}
        onChange={(event) => set({ name: event.currentTarget.value })}
      />
      <AlgorithmChoice value={draft.algorithm} onChange={(algorithm) => set({ algorithm })} />
      <Amount draft={draft} set={set} />
      <RuleFormMatch draft={draft} set={set} />
      <RuleFormMore draft={draft} set={set} />
      <div>
        <SegmentedControl
          aria-label="State"
          fullWidth
          data={STATES}
          value={draft.state}
          onChange={(state) => set({ state: state as Draft['state'] })}
        />
        <p className={classes['quiet']}>{STATE_ABOUT[draft.state]}</p>
      </div>
      <Warnings draft={draft} rule={rule} />
      {tried !== null && <DryRun body={bodyOfDraft(tried)} />}
      {fault !== null && <p className={classes['quiet']}>{fault}</p>}
    </FormDialog>
  );
}

function useSave(draft: Draft, rule: RateLimit | undefined, onClose: () => void) {
  return useCommand({
    run: async () => {
      const body = bodyOfDraft(draft);
      if (rule === undefined) await holdfast.POST('/api/v1/rate-limits', { body });
      else {
        await holdfast.PATCH('/api/v1/rate-limits/{id}', {
          params: { path: { id: rule.id }, header: { 'If-Match': `"${rule.version}"` } },
          body,
        });
      }
      onClose();
    },
    done: () => `Saved ${draft.name.trim()}: it holds everywhere within a second`,
    stale: STALE,
    showsRefusals: true,
  });
}

function AlgorithmChoice({ value, onChange }: { value: Algorithm; onChange: (value: Algorithm) => void }) {
  return (
    <Radio.Group label="How it counts" data-field="algorithm" value={value} onChange={(next) => onChange(next)}>
      <Choices>
        {Object.entries(ALGORITHMS).map(([algorithm, { name, about }]) => (
          <Radio key={algorithm} value={algorithm} label={name} description={about} />
        ))}
      </Choices>
    </Radio.Group>
  );
}

const UNITS = [
  { value: 'ms', label: 'milliseconds' },
  { value: 's', label: 'seconds' },
  { value: 'min', label: 'minutes' },
  { value: 'h', label: 'hours' },
];

function Amount({ draft, set }: { draft: Draft; set: (change: Partial<Draft>) => void }) {
  return (
    <div className={classes['fields']}>
      <NumberInput
        label="Limit"
        name="limit"
        required
        min={1}
        allowDecimal={false}
        thousandSeparator={group}
        value={draft.limit}
        onChange={(limit) => set({ limit })}
      />
      <NumberInput
        label="In"
        name="windowMs"
        required
        min={1}
        value={draft.window}
        onChange={(window) => set({ window })}
      />
      <Select
        label="Unit"
        data={UNITS}
        allowDeselect={false}
        value={draft.unit}
        onChange={(unit) => unit !== null && set({ unit: unit as WindowUnit })}
      />
      {draft.algorithm === 'token_bucket' && (
        <NumberInput
          label="At once"
          name="burst"
          placeholder="the limit"
          min={1}
          allowDecimal={false}
          thousandSeparator={group}
          value={draft.burst}
          onChange={(burst) => set({ burst })}
        />
      )}
    </div>
  );
}

/** What saving it may do that one would not expect. */
function Warnings({ draft, rule }: { draft: Draft; rule: RateLimit | undefined }) {
  const { algorithm, limit, windowMs, subject, mode, enabled, onStoreError, burst = null } = bodyOfDraft(draft);
  const now = { algorithm, limit, windowMs, subject, mode, enabled, onStoreError, burst, match: matchOf(draft) };
  const warnings = warningsOf(now, rule ?? null);
  if (warnings.length === 0) return null;
  return (
    <ul className={classes['warnings']} aria-label="Before you save it">
      {warnings.map((warning) => (
        <li key={warning}>
          <Icon name="warn" size={16} /> {warning}
        </li>
      ))}
    </ul>
  );
}
