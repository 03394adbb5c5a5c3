import { useState } from 'react';
import { Button, Menu } from '@mantine/core';
import { holdfast } from '../../api/holdfast.ts';
import { useGet } from '../../api/queries.ts';
import { useCommand } from '../../api/use.command.tsx';
import { ConfirmDialog } from '../../ui/confirm.dialog.tsx';
import { Icon } from '../../ui/icon.tsx';
import { formatNumber } from '../../ui/num.tsx';
import { bodyOfDeleted } from './job.draft.ts';
import { JobForm } from './job.form.tsx';
import { STALE_JOBS, type Job } from './job.words.ts';
import { RedriveAll } from './redrive.all.tsx';
import { RunNow } from './run.now.tsx';
import type { Schema } from './schema.rules.ts';
import classes from './jobs.module.css';

type Asked = 'run' | 'edit' | 'delete' | 'redrive' | null;

/** What can be done with a job. Holdfast's own cannot be deleted; what goes on all the time cannot be started. */
export function JobActions({ job, onGone }: { job: Job; onGone: () => void }) {
  const [asked, setAsked] = useState<Asked>(null);
  const close = (): void => setAsked(null);
  const start = useStart(job);
  const change = useSwitch(job);
  if (job.status === 'continuous') {
    return <p className={classes['said']}>It is done all the time, and needs nobody to start it.</p>;
  }
  return (
    <>
      <div className={classes['actions']}>
        <Button loading={start.isPending} leftSection={<Icon name="play" size={14} />} onClick={() => start.mutate()}>
          Run now
        </Button>
        <Button variant="default" onClick={() => setAsked('run')}>
          Run with…
        </Button>
        <Button variant="default" loading={change.isPending} onClick={() => change.mutate(!job.enabled)}>
          {job.enabled ? 'Switch off' : 'Switch on'}
        </Button>
        <Button variant="default" onClick={() => setAsked('edit')}>
          Edit
        </Button>
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="default" rightSection={<Icon name="chevron" size={14} />}>
              More
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item disabled={job.failureCount === 0} onClick={() => setAsked('redrive')}>
              Redrive all failed runs
            </Menu.Item>
            {!job.system && <Menu.Item onClick={() => setAsked('delete')}>Delete</Menu.Item>}
          </Menu.Dropdown>
        </Menu>
      </div>
      {asked === 'run' && <RunNow job={job} onClose={close} />}
      {asked === 'edit' && <JobForm job={job} onClose={close} />}
      {asked === 'redrive' && <RedriveAll job={job} onClose={close} />}
      {asked === 'delete' && <DeleteDialog job={job} onGone={onGone} onClose={close} />}
    </>
  );
}

function useStart({ id, name }: Job) {
  return useCommand({
    run: async () => (await holdfast.POST('/api/v1/jobs/{id}/run', { params: { path: { id } } })).data,
    done: () => `${name}: started, or waits its turn`,
    stale: STALE_JOBS,
  });
}

/** Done at once, and taken back by Undo: what is under way goes on either way. */
function useSwitch({ id, name }: Job) {
  const patch = (enabled: boolean) =>
    holdfast.PATCH('/api/v1/jobs/{id}', { params: { path: { id } }, body: { enabled } });
  return useCommand<unknown, boolean>({
    run: patch,
    done: (_answer, enabled) => (enabled ? `${name} runs by its schedule again` : `${name} starts no more by itself`),
    undo: (_answer, enabled) => () => patch(!enabled),
    stale: STALE_JOBS,
  });
}

function DeleteDialog({ job, onGone, onClose }: { job: Job; onGone: () => void; onClose: () => void }) {
  const types = useGet('/api/v1/jobs/types', {}, { staleTime: Infinity });
  const config = types.data?.items.find(({ name }) => name === job.type)?.config as Schema | undefined;
  // A job with secrets could not be made anew: nobody but the server has them.
  const isWhole = !Object.values(config?.properties ?? {}).some(({ writeOnly }) => writeOnly === true);
  const remove = useCommand({
    run: async () => {
      await holdfast.DELETE('/api/v1/jobs/{id}', {
        params: { path: { id: job.id }, header: { 'If-Match': `"${job.version}"` } },
      });
      onGone();
    },
    done: () => `Deleted ${job.name}`,
    ...(isWhole ? { undo: () => () => holdfast.POST('/api/v1/jobs', { body: bodyOfDeleted(job) }) } : {}),
    // It is not there any more to be asked for.
    stale: STALE_JOBS.filter((path) => path !== '/api/v1/jobs/{id}'),
    showsRefusals: true,
  });
  const runs = job.runCount === 1 ? 'its run' : `its ${formatNumber(job.runCount)} runs`;
  return (
    <ConfirmDialog
      title={`Delete ${job.name}?`}
      verb="Delete it"
      isDangerous
      isPending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <p className={classes['said']}>
        {job.runCount === 0 ? 'It has never run.' : `Its history goes with it: ${runs}, with logs, results and files.`}{' '}
        What is under way is stopped.
      </p>
      <p className={classes['quiet']}>
        {isWhole
          ? 'Undo makes it anew with the same settings, and without its history.'
          : 'It has secrets that only the server knows, so it cannot be made anew by Undo.'}{' '}
        To stop it for a while, switch it off.
      </p>
    </ConfirmDialog>
  );
}
