import { useState } from 'react';
import { Button } from '@mantine/core';
import { holdfast } from '../../api/holdfast.ts';
import { useCommand } from '../../api/use.command.tsx';
import { ConfirmDialog } from '../../ui/confirm.dialog.tsx';
import { deedsOf, STALE_JOBS, type RunWhole } from './job.words.ts';
import classes from './jobs.module.css';

/** What can be done with a run as it stands. */
export function RunActions({ run }: { run: RunWhole }) {
  const [isCancelling, setIsCancelling] = useState(false);
  const deeds = deedsOf(run);
  const params = { path: { id: run.id } };
  const redrive = useCommand({
    run: () => holdfast.POST('/api/v1/runs/{id}/redrive', { params }),
    done: () => `${run.job.name}: waits again, with all its attempts`,
    stale: STALE_JOBS,
  });
  const release = useCommand({
    run: () => holdfast.POST('/api/v1/runs/{id}/release', { params }),
    done: () => `${run.job.name}: released`,
    stale: STALE_JOBS,
  });
  if (!Object.values(deeds).includes(true)) return null;
  return (
    <div className={classes['actions']}>
      {deeds.redrive && (
        <Button loading={redrive.isPending} onClick={() => redrive.mutate()}>
          Redrive
        </Button>
      )}
      {deeds.release && (
        <Button loading={release.isPending} onClick={() => release.mutate()}>
          Release
        </Button>
      )}
      {deeds.cancel && (
        <Button variant="default" onClick={() => setIsCancelling(true)}>
          Cancel
        </Button>
      )}
      {isCancelling && <CancelDialog run={run} onClose={() => setIsCancelling(false)} />}
    </div>
  );
}

function CancelDialog({ run, onClose }: { run: RunWhole; onClose: () => void }) {
  const cancel = useCommand({
    run: async () => {
      await holdfast.POST('/api/v1/runs/{id}/cancel', { params: { path: { id: run.id } } });
      onClose();
    },
    done: () => (run.status === 'running' ? `${run.job.name} was told to stop` : `Cancelled a run of ${run.job.name}`),
    stale: STALE_JOBS,
    showsRefusals: true,
  });
  return (
    <ConfirmDialog
      title={`Cancel this run of ${run.job.name}?`}
      verb="Cancel the run"
      isDangerous
      isPending={cancel.isPending}
      error={cancel.error}
      onConfirm={() => cancel.mutate()}
      onClose={onClose}
    >
      <p className={classes['said']}>
        {run.status === 'running'
          ? 'Its work is stopped where it is. What it has written stays.'
          : 'It will not be done. The job runs again when it is due next.'}
      </p>
      <p className={classes['quiet']}>Jobs that wait for it do what they do when it does not succeed.</p>
    </ConfirmDialog>
  );
}
