import { holdfast } from '../../api/holdfast.ts';
import { useCommand } from '../../api/use.command.tsx';
import { ConfirmDialog } from '../../ui/confirm.dialog.tsx';
import { formatNumber } from '../../ui/num.tsx';
import { STALE_JOBS } from './job.words.ts';
import classes from './jobs.module.css';

/** One call redrives a thousand: it is made until there are no more. */
async function redriveAll(jobId: string): Promise<number> {
  let redriven = 0;
  for (let more = true; more;) {
    const { data } = await holdfast.POST('/api/v1/runs/redrive', { body: { jobId } });
    redriven += data?.redriven ?? 0;
    more = data?.more === true && data.redriven > 0;
  }
  return redriven;
}

/** Runs again all that failed of a job and were not redriven since. */
export function RedriveAll({ job, onClose }: { job: { id: string; name: string }; onClose: () => void }) {
  const redrive = useCommand({
    run: async () => {
      const redriven = await redriveAll(job.id);
      onClose();
      return redriven;
    },
    done: (redriven) =>
      redriven === 0
        ? 'None had failed'
        : `${formatNumber(redriven)} ${redriven === 1 ? 'run waits' : 'runs wait'} again`,
    stale: STALE_JOBS,
    showsRefusals: true,
  });
  return (
    <ConfirmDialog
      title={`Redrive all failed runs of ${job.name}?`}
      verb="Redrive them"
      isPending={redrive.isPending}
      error={redrive.error}
      onConfirm={() => redrive.mutate()}
      onClose={onClose}
    >
      <p className={classes['said']}>
        Each is done again with the config that it had, and has all its attempts again. What was skipped because of it
        follows when it succeeds.
      </p>
    </ConfirmDialog>
  );
}
