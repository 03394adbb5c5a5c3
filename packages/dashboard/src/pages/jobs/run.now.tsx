import { useEffect, useMemo, useRef, useState, type SubmitEvent } from 'react';
import { Button, Checkbox, Modal, SegmentedControl, Select, TextInput } from '@mantine/core';
import { holdfast } from '../../api/holdfast.ts';
import { useGet } from '../../api/queries.ts';
import { useCommand } from '../../api/use.command.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { showWrongFields } from '../../ui/refused.fields.ts';
import { parseDuration } from './duration.text.ts';
import { fieldErrors } from './field.errors.ts';
import { PRIORITIES, STALE_JOBS, type Job, type Priority } from './job.words.ts';
import { ConfigFields } from './schema.fields.tsx';
import { changedMembers, configOf, draftOf, fieldsOf, type Config, type Schema } from './schema.rules.ts';
import form from './job.form.module.css';

const WHEN = [
  { value: 'now', label: 'Now' },
  { value: 'after', label: 'After a while' },
  { value: 'at', label: 'At a time' },
];

type When = 'now' | 'after' | 'at';

/** One run of a job, with a time, a priority or a config of its own. The job stays as it is. */
export function RunNow({ job, onClose }: { job: Job; onClose: () => void }) {
  const [when, setWhen] = useState<When>('now');
  const [delay, setDelay] = useState('5 min');
  const [at, setAt] = useState('');
  const [priority, setPriority] = useState<Priority>(job.priority);
  const [isFresh, setIsFresh] = useState(false);
  const types = useGet('/api/v1/jobs/types', {}, { staleTime: Infinity });
  const schema = types.data?.items.find(({ name }) => name === job.type)?.config as Schema | undefined;
  const fields = useMemo(() => fieldsOf(schema ?? {}), [schema]);
  const before = job.config as Config;
  const [edited, setEdited] = useState<ReturnType<typeof draftOf> | null>(null);
  const draft = edited ?? draftOf(fields, before);
  const { config, faults } = configOf(fields, draft, before);
  // What the form shows of a job that was not touched is no change of it.
  const changes = changedMembers(config, configOf(fields, draftOf(fields, before), before).config);
  const delayMs = parseDuration(delay);
  const canStart = faults.size === 0 && (when !== 'after' || delayMs !== null) && (when !== 'at' || at !== '');
  const start = useCommand({
    run: async () => {
      await holdfast.POST('/api/v1/jobs/{id}/run', {
        params: { path: { id: job.id } },
        body: {
          ...(when === 'after' ? { delayMs: delayMs ?? 0 } : {}),
          ...(when === 'at' ? { at: new Date(at).toISOString() } : {}),
          ...(priority === job.priority ? {} : { priority }),
          ...(Object.keys(changes).length === 0 ? {} : { config: changes as NonNullable<object> as never }),
          ...(isFresh ? { fresh: true } : {}),
        },
      });
      onClose();
    },
    done: () => (when === 'now' ? `${job.name}: started, or waits its turn` : `${job.name} will run then`),
    stale: STALE_JOBS,
    showsRefusals: true,
  });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    start.mutate();
  };
  const errors = fieldErrors(start.error, faults);
  const formElement = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (start.error !== null && formElement.current !== null) showWrongFields(formElement.current);
  }, [start.error]);
  return (
    <Modal opened onClose={onClose} title={`Run ${job.name}`} closeOnClickOutside={false}>
      <form ref={formElement} onSubmit={submit} className={form['form']}>
        <SegmentedControl
          aria-label="When"
          fullWidth
          data={WHEN}
          value={when}
          onChange={(value) => setWhen(value as When)}
        />
        {when === 'after' && (
          <TextInput
            label="After"
            description="Such as 90 s, 5 min or 1 h 30 min."
            required
            error={delayMs === null ? 'Write 90 s, 5 min or 1 h 30 min.' : errors.get('/delayMs')}
            value={delay}
            onChange={(event) => setDelay(event.currentTarget.value)}
          />
        )}
        {when === 'at' && (
          <TextInput
            type="datetime-local"
            label="At"
            description="Your own time."
            required
            error={errors.get('/at')}
            value={at}
            onChange={(event) => setAt(event.currentTarget.value)}
          />
        )}
        <Select
          label="Priority"
          description="Of the runs that wait, the higher goes first."
          data={PRIORITIES}
          value={priority}
          onChange={(value) => value !== null && setPriority(value)}
        />
        {job.cacheForMs > 0 && (
          <Checkbox
            label="Do the work even where an earlier result could be taken over"
            checked={isFresh}
            onChange={(event) => setIsFresh(event.currentTarget.checked)}
          />
        )}
        {fields.length > 0 && (
          <details className={form['more']}>
            <summary>Another config, for this run alone{Object.keys(changes).length > 0 && ' (changed)'}</summary>
            <ConfigFields fields={fields} draft={draft} errors={errors} keepsSecrets onChange={setEdited} />
          </details>
        )}
        {start.isError && <ProblemNotice error={start.error} />}
        <div className={form['buttons']}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" data-autofocus loading={start.isPending} disabled={!canStart}>
            {when === 'now' ? 'Run it' : 'Plan it'}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
