import { useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { useDebouncedValue } from '@mantine/hooks';
import '@mantine/core/styles/Pill.css';
import '@mantine/core/styles/PillsInput.css';
import { Button, MultiSelect, SegmentedControl, Select, TextInput } from '@mantine/core';
import { HoldfastError } from '@holdfast/client';
import { holdfast } from '../../api/holdfast.ts';
import { useGet } from '../../api/queries.ts';
import { Fields } from '../../ui/fields.tsx';
import { TimeAgo } from '../../ui/time.tsx';
import { errorAt } from './field.errors.ts';
import type { FormPartProps } from './job.draft.ts';
import type { Job } from './job.words.ts';
import classes from './jobs.module.css';
import form from './job.form.module.css';

const WHEN = [
  { value: 'schedule', label: 'On a schedule' },
  { value: 'after', label: 'After other jobs' },
  { value: 'asked', label: 'When asked to' },
];

/** When it runs: by a schedule, after other jobs, or by hand. */
export function JobFormWhen(props: FormPartProps & { job: Job | undefined }) {
  const { draft, set, job } = props;
  return (
    <Fields>
      <SegmentedControl
        aria-label="When it runs"
        fullWidth
        classNames={{ label: classes['way'] ?? '' }}
        data={job?.system === true ? WHEN.filter(({ value }) => value !== 'after') : WHEN}
        value={draft.when}
        onChange={(when) => set({ when: when as typeof draft.when })}
      />
      {draft.when === 'schedule' && <ScheduleFields {...props} />}
      {draft.when === 'after' && <DependencyFields {...props} />}
      {draft.when === 'asked' && <p className={classes['quiet']}>By hand here, or by POST /jobs/…/run.</p>}
    </Fields>
  );
}

const PRESETS = [
  ['Every 5 minutes', '*/5 * * * *'],
  ['Hourly', '0 * * * *'],
  ['Nightly', '30 2 * * *'],
  ['Workdays at 6', '0 6 * * 1-5'],
  ['Mondays', '0 7 * * 1'],
  ['First of the month', '0 4 1 * *'],
] as const;

const ZONES = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')];
const ZONES_SHOWN = 60;

function ScheduleFields({ draft, set, errors }: FormPartProps) {
  const zones = ZONES.includes(draft.timeZone) ? ZONES : [draft.timeZone, ...ZONES];
  return (
    <>
      <div className={form['presets']} role="group" aria-label="Common schedules">
        {PRESETS.map(([label, schedule]) => (
          <Button
            key={schedule}
            variant="default"
            size="compact-xs"
            aria-pressed={draft.schedule === schedule}
            onClick={() => set({ schedule })}
          >
            {label}
          </Button>
        ))}
      </div>
      <div className={form['two']}>
        <TextInput
          label="Cron"
          description="Minute, hour, day, month, weekday; six fields begin with the second."
          required
          maxLength={200}
          spellCheck={false}
          error={errors.get('/schedule')}
          value={draft.schedule}
          onChange={(event) => set({ schedule: event.currentTarget.value })}
        />
        <Select
          label="Time zone"
          description="Whose clocks it goes by, changes of clocks included."
          searchable
          limit={ZONES_SHOWN}
          data={zones}
          error={errors.get('/timeZone')}
          value={draft.timeZone}
          onChange={(timeZone) => timeZone !== null && set({ timeZone })}
        />
      </div>
      <Preview schedule={draft.schedule.trim()} timeZone={draft.timeZone} />
    </>
  );
}

const ASK_AFTER_MS = 250;
const SHOWN = 5;

/** The schedule in words, and its next runs, as it is typed. */
function Preview({ schedule, timeZone }: { schedule: string; timeZone: string }) {
  const [asked] = useDebouncedValue(schedule, ASK_AFTER_MS);
  const { data, error } = useQuery({
    queryKey: ['/api/v1/jobs/schedule-preview', asked, timeZone],
    queryFn: async () => {
      const body = { schedule: asked, timeZone, count: SHOWN };
      return (await holdfast.POST('/api/v1/jobs/schedule-preview', { body })).data ?? null;
    },
    enabled: asked !== '',
    placeholderData: (known) => known,
  });
  if (asked === '') return null;
  if (error !== null) {
    const said = error instanceof HoldfastError ? error.problem?.errors?.[0]?.message : undefined;
    return (
      <p className={form['wrong']} role="status">
        This schedule {said ?? 'cannot be looked at now: the server does not answer.'}
      </p>
    );
  }
  if (data == null) return <p className={classes['quiet']}>…</p>;
  return (
    <div className={form['preview']}>
      <p className={classes['said']} role="status">
        <b>{data.text}</b>
      </p>
      <ol aria-label="Next runs" className={form['next']}>
        {data.next.map((at) => (
          <li key={at}>
            {momentIn(at, timeZone)}{' '}
            <span className={classes['dim']}>
              <TimeAgo at={at} />
            </span>
          </li>
        ))}
      </ol>
    </div>
  );
}

/** In the time zone of the job, with the offset that its clocks have then. */
function momentIn(at: string, timeZone: string): string {
  return new Intl.DateTimeFormat(undefined, {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZone,
    timeZoneName: 'short',
  }).format(new Date(at));
}

const AFTER_FAILURE = [
  { value: 'skip', label: 'Skip this time' },
  { value: 'run', label: 'Run all the same' },
  { value: 'hold', label: 'Hold it until somebody releases it' },
];
const FOUND_MAX = 50;

function DependencyFields({ draft, set, errors, job }: FormPartProps & { job: Job | undefined }) {
  const [search, setSearch] = useState('');
  const [asked] = useDebouncedValue(search.trim(), ASK_AFTER_MS);
  const found = useGet('/api/v1/jobs', { query: { limit: FOUND_MAX, ...(asked === '' ? {} : { search: asked }) } });
  const graph = useGet('/api/v1/jobs/graph');
  const [picked, setPicked] = useState<ReadonlyMap<string, string>>(new Map());
  const known = new Map<string, string>([
    ...(graph.data?.nodes ?? []).map(({ id, name }) => [id, name] as const),
    ...picked,
  ]);
  const others = (found.data?.items ?? []).filter(({ id, status }) => id !== job?.id && status !== 'continuous');
  const choices = new Map(others.map(({ id, name }) => [id, name]));
  for (const id of draft.dependencies) if (!choices.has(id)) choices.set(id, known.get(id) ?? `…${id.slice(-8)}`);
  return (
    <>
      <MultiSelect
        label="After"
        description="It runs when all of these have succeeded in the same cycle. A circle is refused."
        required
        searchable
        placeholder={draft.dependencies.length === 0 ? 'Find a job' : ''}
        nothingFoundMessage="No job is called that"
        error={errorAt(errors, '/dependencies')}
        data={[...choices].map(([value, label]) => ({ value, label }))}
        searchValue={search}
        onSearchChange={setSearch}
        value={draft.dependencies}
        onChange={(dependencies) => {
          setPicked(new Map([...picked, ...dependencies.map((id) => [id, choices.get(id) ?? id] as const)]));
          set({ dependencies });
        }}
      />
      <Select
        label="When one of them did not succeed"
        data={AFTER_FAILURE}
        value={draft.afterFailure}
        onChange={(value) => value !== null && set({ afterFailure: value as Job['afterFailure'] })}
      />
    </>
  );
}
