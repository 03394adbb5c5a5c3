import { Button } from '@mantine/core';
import { holdfast } from '../../api/holdfast.ts';
import { useCommand } from '../../api/use.command.tsx';
import { formatNumber } from '../../ui/num.tsx';
import { deedsOf, STALE_JOBS, type Run } from './job.words.ts';

/** A call takes so many. */
const AT_ONCE = 1_000;

/** What is done with several runs at once; those it does not concern are passed over. */
export function RunBulk({ runs, onDone }: { runs: Run[]; onDone: () => void }) {
  const failed = runs.filter((run) => deedsOf(run).redrive);
  const open = runs.filter((run) => deedsOf(run).cancel);
  const redrive = useCommand({
    run: async () => {
      let redriven = 0;
      for (let from = 0; from < failed.length; from += AT_ONCE) {
        const ids = failed.slice(from, from + AT_ONCE).map(({ id }) => id);
        redriven += (await holdfast.POST('/api/v1/runs/redrive', { body: { ids } })).data?.redriven ?? 0;
      }
      onDone();
      return redriven;
    },
    done: (redriven) => `${formatNumber(redriven)} ${redriven === 1 ? 'waits' : 'wait'} again`,
    stale: STALE_JOBS,
  });
  const cancel = useCommand({
    run: async () => {
      for (const { id } of open) await holdfast.POST('/api/v1/runs/{id}/cancel', { params: { path: { id } } });
      onDone();
    },
    done: () => `Cancelled ${formatNumber(open.length)}`,
    stale: STALE_JOBS,
  });
  return (
    <>
      <Button disabled={failed.length === 0} loading={redrive.isPending} onClick={() => redrive.mutate()}>
        Redrive {formatNumber(failed.length)} failed
      </Button>
      <Button variant="default" disabled={open.length === 0} loading={cancel.isPending} onClick={() => cancel.mutate()}>
        Cancel {formatNumber(open.length)} open
      </Button>
    </>
  );
}
