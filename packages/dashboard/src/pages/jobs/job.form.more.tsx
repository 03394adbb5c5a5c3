import { NumberInput, Select, TextInput } from '@mantine/core';
import '@mantine/core/styles/NumberInput.css';
import { Fields } from '../../ui/fields.tsx';
import { durationText } from './duration.text.ts';
import type { FormPartProps } from './job.draft.ts';
import { PRIORITIES, type Job, type JobType } from './job.words.ts';
import form from './job.form.module.css';

const BACKOFFS = [
  { value: 'exponential', label: 'Twice as long each time' },
  { value: 'fixed', label: 'As long each time' },
];
const OVERLAPS = [
  { value: 'skip', label: 'Skip the new one' },
  { value: 'queue', label: 'Let it wait' },
  { value: 'cancel', label: 'Cancel the old one for it' },
];
const CATCH_UPS = [
  { value: 'once', label: 'Run once for all of them' },
  { value: 'skip', label: 'Leave them out' },
  { value: 'all', label: 'Run each of the last' },
];

/** What most jobs leave as it is. */
export function JobFormMore(props: FormPartProps & { type: JobType | undefined }) {
  return (
    <details className={form['more']}>
      <summary>More: priority, retries, time limits, overlaps, missed runs, keeping</summary>
      <Fields>
        <Attempts {...props} />
        <Turns {...props} />
        <Ends {...props} />
      </Fields>
    </details>
  );
}

type PartProps = FormPartProps & { type: JobType | undefined };

function Attempts({ draft, set, errors, type }: PartProps) {
  return (
    <>
      <div className={form['two']}>
        <Select
          label="Priority"
          description="Of the runs that wait, the higher goes first. One that has waited five minutes rises by one."
          data={PRIORITIES}
          value={draft.priority}
          onChange={(value) => value !== null && set({ priority: value })}
        />
        <TextInput
          label="Time limit"
          description="Of one attempt. Work that goes on beyond it is stopped."
          placeholder={type === undefined ? '5 min' : durationText(type.defaults.timeoutMs)}
          error={errors.get('/timeoutMs')}
          value={draft.timeout}
          onChange={(event) => set({ timeout: event.currentTarget.value })}
        />
      </div>
      <div className={form['two']}>
        <NumberInput
          label="Retries"
          description="Attempts after the first. Then it has failed, and waits to be redriven."
          placeholder={String(type?.defaults.retries ?? 3)}
          min={0}
          max={100}
          allowDecimal={false}
          error={errors.get('/retries')}
          value={draft.retries}
          onChange={(retries) => set({ retries })}
        />
        <Select
          label="Between attempts it waits"
          description="Up to half of it is left to chance, so that many do not come back at once."
          data={BACKOFFS}
          value={draft.backoffKind}
          onChange={(value) => value !== null && set({ backoffKind: value as Job['backoff']['kind'] })}
        />
        <TextInput
          label="First wait"
          error={errors.get('/backoff/delayMs')}
          value={draft.backoffDelay}
          onChange={(event) => set({ backoffDelay: event.currentTarget.value })}
        />
        <TextInput
          label="Longest wait"
          error={errors.get('/backoff/maxDelayMs')}
          value={draft.backoffMax}
          onChange={(event) => set({ backoffMax: event.currentTarget.value })}
        />
      </div>
    </>
  );
}

function Turns({ draft, set, errors }: PartProps) {
  return (
    <div className={form['two']}>
      <NumberInput
        label="At once"
        description="Runs of this job under way together, over all instances."
        min={1}
        max={100}
        allowDecimal={false}
        error={errors.get('/concurrency')}
        value={draft.concurrency}
        onChange={(concurrency) => set({ concurrency })}
      />
      <Select
        label="When it is due and that many are under way"
        data={OVERLAPS}
        value={draft.overlap}
        onChange={(value) => value !== null && set({ overlap: value as Job['overlap'] })}
      />
      <Select
        label="Runs missed while nobody was there"
        description="The server was down, or every instance was."
        data={CATCH_UPS}
        value={draft.catchUp}
        onChange={(value) => value !== null && set({ catchUp: value as Job['catchUp'] })}
      />
      {draft.catchUp === 'all' && (
        <NumberInput
          label="Up to"
          description="Of those that were missed, the last so many."
          min={1}
          max={1_000}
          allowDecimal={false}
          error={errors.get('/catchUpMax')}
          value={draft.catchUpMax}
          onChange={(catchUpMax) => set({ catchUpMax })}
        />
      )}
    </div>
  );
}

function Ends({ draft, set, errors }: PartProps) {
  return (
    <div className={form['two']}>
      <TextInput
        label="Must be done by"
        description="A time of day such as 06:00, or so long after it is due, such as PT2H. An event warns before it is missed."
        placeholder="never"
        error={errors.get('/mustFinishBy')}
        value={draft.mustFinishBy}
        onChange={(event) => set({ mustFinishBy: event.currentTarget.value })}
      />
      <TextInput
        label="A result is good for"
        description="A run with the same config within that time takes it over, and does not do the work again."
        placeholder="never"
        error={errors.get('/cacheForMs')}
        value={draft.cacheFor}
        onChange={(event) => set({ cacheFor: event.currentTarget.value })}
      />
      <NumberInput
        label="Keep finished runs, days"
        min={1}
        max={3_650}
        allowDecimal={false}
        error={errors.get('/keepDays')}
        value={draft.keepDays}
        onChange={(keepDays) => set({ keepDays })}
      />
    </div>
  );
}
