import { useEffect, useId, useMemo, useRef, useState, type SubmitEvent } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { Button, JsonInput, Modal, Select, Switch, Textarea, TextInput } from '@mantine/core';
import '@mantine/core/styles/Switch.css';
import { HoldfastError } from '@holdfast/client';
import { holdfast } from '../../api/holdfast.ts';
import { useGet } from '../../api/queries.ts';
import { useCommand } from '../../api/use.command.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { showWrongFields } from '../../ui/refused.fields.ts';
import { circleOf, errorAt, fieldErrors } from './field.errors.ts';
import { bodyOf, draftOfJob, faultsOf, newDraft, type FormPartProps, type JobDraft } from './job.draft.ts';
import { JobFormMore } from './job.form.more.tsx';
import { JobFormWhen } from './job.form.when.tsx';
import { STALE_JOBS, type Job, type JobType, type NewJob } from './job.words.ts';
import { Prose } from './prose.tsx';
import { ConfigFields } from './schema.fields.tsx';
import { configOf, defaultsOf, draftOf, fieldsOf, type Config, type DraftGroup, type Schema } from './schema.rules.ts';
import classes from './jobs.module.css';
import form from './job.form.module.css';

/** A new job, or the one that is given, edited. */
export function JobForm({ job: latest, onClose }: { job?: Job; onClose: () => void }) {
  // As it was when the form was opened: what somebody else changed since is refused, and not written over.
  const [job] = useState(latest);
  const client = useQueryClient();
  const types = useGet('/api/v1/jobs/types', {}, { staleTime: Infinity });
  const [draft, setDraft] = useState<JobDraft>(() => (job === undefined ? newDraft(ownTimeZone()) : draftOfJob(job)));
  const [tries, setTries] = useState(0);
  const formElement = useRef<HTMLFormElement>(null);
  const set = (change: Partial<JobDraft>): void => setDraft((known) => ({ ...known, ...change }));
  const type = types.data?.items.find(({ name }) => name === draft.type);
  const config = useConfig(type, job);
  const save = useSave({ draft, job, onClose, configOf: config.read });
  const faults = new Map([...faultsOf(draft), ...config.faults]);
  const errors = fieldErrors(save.error, tries > 0 ? faults : config.faults);
  useEffect(() => {
    if (tries > 0 && formElement.current !== null) showWrongFields(formElement.current);
  }, [tries, save.error]);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    setTries(tries + 1);
    if (faults.size === 0) save.mutate();
  };
  const wasChanged = save.error instanceof HoldfastError && save.error.status === 412;
  const startAnew = (): void => {
    for (const path of STALE_JOBS) void client.invalidateQueries({ queryKey: [path] });
    onClose();
  };
  const part = { draft, set, errors };
  const isSystem = job?.system === true;
  return (
    <Modal
      opened
      onClose={onClose}
      size="lg"
      title={job === undefined ? 'New job' : `Edit ${job.name}`}
      closeOnClickOutside={false}
    >
      <form ref={formElement} onSubmit={submit} className={form['form']} noValidate>
        {!isSystem && <Naming {...part} job={job} types={types.data?.items ?? []} type={type} />}
        {!isSystem && type !== undefined && <ConfigPart config={config} errors={errors} isEdited={job !== undefined} />}
        <JobFormWhen {...part} job={job} />
        <JobFormMore {...part} type={type} />
        <Switch
          label="On"
          description="Off: it starts no more by itself. It can still be run by hand."
          checked={draft.enabled}
          onChange={(event) => set({ enabled: event.currentTarget.checked })}
        />
        {save.isError && <Refused error={save.error} />}
        {tries > 0 && faults.size > 0 && (
          <p className={form['wrong']} role="alert">
            {[...faults.values()][0]}
          </p>
        )}
        <div className={form['buttons']}>
          {wasChanged && (
            <Button variant="default" onClick={startAnew}>
              Show it as it is now
            </Button>
          )}
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={save.isPending}>
            Save
          </Button>
        </div>
      </form>
    </Modal>
  );
}

/** In names rather than ids where jobs would wait for one another. */
function Refused({ error }: { error: Error }) {
  const circle = circleOf(error);
  const { data } = useGet('/api/v1/jobs/graph', {}, { enabled: circle !== null });
  const names = new Map((data?.nodes ?? []).map(({ id, name }) => [id, name]));
  if (circle === null || circle.some((id) => !names.has(id))) return <ProblemNotice error={error} />;
  return (
    <p className={form['wrong']} role="alert">
      Each of these would wait for the one before it: {circle.map((id) => names.get(id)).join(' → ')}.
    </p>
  );
}

function ownTimeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

interface SaveOptions {
  draft: JobDraft;
  job: Job | undefined;
  configOf: () => Config;
  onClose: () => void;
}

function useSave({ draft, job, configOf: readConfig, onClose }: SaveOptions) {
  return useCommand({
    run: async () => {
      const body = bodyOf(draft, readConfig(), job?.system === true);
      if (job === undefined) await holdfast.POST('/api/v1/jobs', { body: body as NewJob });
      else {
        // A type is for life.
        const { type: _type, ...changes } = body as NewJob;
        await holdfast.PATCH('/api/v1/jobs/{id}', {
          params: { path: { id: job.id }, header: { 'If-Match': `"${job.version}"` } },
          body: changes,
        });
      }
      onClose();
    },
    done: () => `Saved ${draft.name.trim()}`,
    stale: STALE_JOBS,
    showsRefusals: true,
  });
}

interface NamingProps extends FormPartProps {
  job: Job | undefined;
  types: readonly JobType[];
  type: JobType | undefined;
}

function Naming({ draft, set, errors, job, types, type }: NamingProps) {
  const choices = types.filter(({ system }) => !system);
  return (
    <>
      <TextInput
        label="Name"
        required
        maxLength={100}
        placeholder="Nightly import"
        data-autofocus
        error={errors.get('/name')}
        value={draft.name}
        onChange={(event) => set({ name: event.currentTarget.value })}
      />
      <Select
        label="What it does"
        required
        disabled={job !== undefined}
        searchable
        placeholder="Choose a type"
        nothingFoundMessage="There is no such type"
        error={errors.get('/type')}
        data={choices.map(({ name, title }) => ({ value: name, label: title }))}
        value={draft.type === '' ? null : draft.type}
        onChange={(chosen) => chosen !== null && set({ type: chosen })}
      />
      {type !== undefined && (
        <p className={classes['quiet']}>
          <Prose text={type.description} />
        </p>
      )}
      <Textarea
        label="Description"
        description="Why it is there, for whoever comes after you."
        maxLength={1_000}
        autosize
        minRows={1}
        error={errors.get('/description')}
        value={draft.description}
        onChange={(event) => set({ description: event.currentTarget.value })}
      />
    </>
  );
}

interface ConfigState {
  fields: ReturnType<typeof fieldsOf>;
  draft: DraftGroup;
  change: (draft: DraftGroup) => void;
  /** The whole of it as JSON, while it is edited so. */
  json: string | null;
  setJson: (json: string | null) => void;
  faults: ReadonlyMap<string, string>;
  read: () => Config;
}

const NONE: Config = {};

/** What the form holds of the config; of another type it begins anew with that type's defaults. */
function useConfig(type: JobType | undefined, job: Job | undefined): ConfigState {
  const schema = type?.config as Schema | undefined;
  const fields = useMemo(() => fieldsOf(schema ?? {}), [schema]);
  const before = (job?.config as Config | undefined) ?? NONE;
  const fresh = useMemo(
    () => draftOf(fields, job === undefined ? defaultsOf(schema ?? {}) : before),
    [fields, schema, job, before],
  );
  const [edited, setEdited] = useState<{ of: string; draft: DraftGroup } | null>(null);
  const [json, setJson] = useState<string | null>(null);
  const draft = edited !== null && edited.of === type?.name ? edited.draft : fresh;
  const read = configOf(fields, draft, before);
  const change = (next: DraftGroup): void => setEdited({ of: type?.name ?? '', draft: next });
  return {
    fields,
    draft,
    change,
    json,
    // What was written as JSON is what the fields show then, and the other way round.
    setJson: (next) => {
      if (next === null && json !== null) change(draftOf(fields, parsed(json) ?? NONE));
      setJson(next);
    },
    faults: json === null ? read.faults : jsonFaults(json),
    read: () => (json === null ? read.config : (parsed(json) ?? NONE)),
  };
}

function parsed(json: string): Config | null {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Config) : null;
  } catch {
    return null;
  }
}

function jsonFaults(json: string): ReadonlyMap<string, string> {
  return new Map(parsed(json) === null ? [['/config', 'It is no JSON object.']] : []);
}

function ConfigPart({
  config,
  errors,
  isEdited,
}: {
  config: ConfigState;
  errors: FormPartProps['errors'];
  isEdited: boolean;
}) {
  const titleId = useId();
  const { fields, draft, change, json, setJson } = config;
  if (fields.length === 0 && json === null) return null;
  const toggle = (): void => setJson(json === null ? JSON.stringify(config.read(), null, 2) : null);
  return (
    <div role="group" aria-labelledby={titleId} className={form['config']}>
      <div className={form['groupHead']}>
        <span id={titleId} className={form['groupLabel']}>
          How it does it
        </span>
        <Button variant="subtle" size="compact-xs" disabled={json !== null && parsed(json) === null} onClick={toggle}>
          {json === null ? 'As JSON' : 'As fields'}
        </Button>
      </div>
      {json === null ? (
        <ConfigFields fields={fields} draft={draft} errors={errors} keepsSecrets={isEdited} onChange={change} />
      ) : (
        <JsonInput
          aria-label="Config, as JSON"
          autosize
          minRows={4}
          maxRows={20}
          error={errorAt(errors, '/config')}
          value={json}
          onChange={setJson}
        />
      )}
    </div>
  );
}
