import { Checkbox, NumberInput, Select, Textarea, TextInput } from '@mantine/core';
import '@mantine/core/styles/NumberInput.css';
import { Fields } from '../../ui/fields.tsx';
import type { RateLimit } from './rate-limit.words.ts';
import type { Draft } from './rule.draft.ts';
import classes from './rate-limits.module.css';

interface PartProps {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
}

const SUBJECTS = [
  { value: 'api_key', label: 'Each API key' },
  { value: 'user', label: 'Each person' },
  { value: 'ip', label: 'Each address' },
  { value: 'header', label: 'Each value of a header' },
  { value: 'global', label: 'All together' },
];
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
const CALLERS = [
  { value: '', label: 'Everybody' },
  { value: 'authenticated', label: 'With credentials' },
  { value: 'anonymous', label: 'Without credentials' },
];
const ORIGINS = [
  { value: '', label: 'Wherever they are' },
  { value: 'loopback', label: 'On this machine' },
  { value: 'elsewhere', label: 'Elsewhere' },
];

/** Who is counted, and which requests. */
export function RuleFormMatch({ draft, set }: PartProps) {
  return (
    <>
      <div className={classes['fields']}>
        <Select
          label="For"
          {...(draft.subject === 'header' ? {} : { 'data-field': 'subject' })}
          data={SUBJECTS}
          allowDeselect={false}
          value={draft.subject}
          onChange={(subject) => subject !== null && set({ subject })}
        />
        {draft.subject === 'header' && (
          <TextInput
            label="Header"
            name="subject"
            required
            maxLength={64}
            placeholder="x-tenant"
            value={draft.header}
            onChange={(event) => set({ header: event.currentTarget.value })}
          />
        )}
        <Select
          label="Callers"
          data-field="match/callers"
          data={CALLERS}
          allowDeselect={false}
          value={draft.callers}
          onChange={(callers) => set({ callers: callers ?? '' })}
        />
        <Select
          label="Where"
          data-field="match/from"
          data={ORIGINS}
          allowDeselect={false}
          value={draft.from}
          onChange={(from) => set({ from: from ?? '' })}
        />
      </div>
      <TextInput
        label="Path"
        name="match/path"
        description="* is any text within a part, ** any number of parts. None: every path."
        placeholder="/api/v1/reservations/**"
        maxLength={512}
        value={draft.path}
        onChange={(event) => set({ path: event.currentTarget.value })}
      />
      <Checkbox.Group
        label="Methods"
        data-field="match/methods"
        description="None: all."
        value={draft.methods}
        onChange={(methods) => set({ methods })}
      >
        <div className={classes['methods']}>
          {METHODS.map((method) => (
            <Checkbox key={method} value={method} label={method} />
          ))}
        </div>
      </Checkbox.Group>
    </>
  );
}

const WITHOUT_REDIS = [
  { value: 'allow', label: 'Let pass' },
  { value: 'local', label: 'Count here, up to this instance’s share' },
  { value: 'deny', label: 'Refuse' },
];

/** What most rules leave as it is. */
export function RuleFormMore({ draft, set }: PartProps) {
  return (
    <details className={classes['more']}>
      <summary>Sale times, tiers, other limits, load</summary>
      <Fields>
        <div className={classes['fields']} data-wide>
          <TextInput
            type="datetime-local"
            label="Counts from"
            name="schedule/from"
            value={draft.activeFrom}
            onChange={(event) => set({ activeFrom: event.currentTarget.value })}
          />
          <TextInput
            type="datetime-local"
            label="Until"
            name="schedule/to"
            value={draft.activeTo}
            onChange={(event) => set({ activeTo: event.currentTarget.value })}
          />
          <TextInput
            label="Tier"
            name="tier"
            placeholder="gold"
            maxLength={64}
            value={draft.tier}
            onChange={(event) => set({ tier: event.currentTarget.value })}
          />
          <Select
            label="While Redis is away"
            data-field="onStoreError"
            data={WITHOUT_REDIS}
            allowDeselect={false}
            value={draft.onStoreError}
            onChange={(policy) => policy !== null && set({ onStoreError: policy as RateLimit['onStoreError'] })}
          />
        </div>
        <Textarea
          label="Other limits for some"
          name="overrides"
          description="One on each line: customer-42 = 500, or with what it may do at once: customer-42 = 500, 800."
          rows={3}
          value={draft.overrides}
          onChange={(event) => set({ overrides: event.currentTarget.value })}
        />
        <div className={classes['fields']}>
          <NumberInput
            label="Tighten when late by, ms"
            name="adaptive/eventLoopDelayMs"
            min={1}
            allowDecimal={false}
            value={draft.eventLoopDelayMs}
            onChange={(eventLoopDelayMs) => set({ eventLoopDelayMs })}
          />
          <NumberInput
            label="Or by requests under way"
            name="adaptive/inFlight"
            min={1}
            allowDecimal={false}
            value={draft.inFlight}
            onChange={(inFlight) => set({ inFlight })}
          />
          <NumberInput
            label="Down to, %"
            name="adaptive/floor"
            min={1}
            max={100}
            value={draft.floorPercent}
            onChange={(floorPercent) => set({ floorPercent })}
          />
        </div>
        <Checkbox
          label="An answer of 400 or more gives its units back"
          checked={draft.refunds}
          onChange={(event) => set({ refunds: event.currentTarget.checked })}
        />
      </Fields>
    </details>
  );
}
