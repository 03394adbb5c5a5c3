import { Button } from '@mantine/core';
import { holdfast } from '../../api/holdfast.ts';
import { useCommand } from '../../api/use.command.tsx';
import { formatNumber } from '../../ui/num.tsx';
import { STALE_JOBS, type ListedJob } from './job.words.ts';

/** What is done with several jobs at once. Duties that go on all the time have no runs to be started. */
export function JobBulk({ jobs, onDone }: { jobs: ListedJob[]; onDone: () => void }) {
  const startable = jobs.filter(({ status }) => status !== 'continuous');
  const start = useCommand({
    run: async () => {
      for (const { id } of startable) await holdfast.POST('/api/v1/jobs/{id}/run', { params: { path: { id } } });
      onDone();
    },
    done: () => `Started ${formatNumber(startable.length)}`,
    stale: STALE_JOBS,
  });
  return (
    <>
      <Button disabled={startable.length === 0} loading={start.isPending} onClick={() => start.mutate()}>
        Run now
      </Button>
      <Switch jobs={startable} isOn onDone={onDone} />
      <Switch jobs={startable} isOn={false} onDone={onDone} />
    </>
  );
}

function Switch({ jobs, isOn, onDone }: { jobs: ListedJob[]; isOn: boolean; onDone: () => void }) {
  const concerned = jobs.filter(({ enabled }) => enabled !== isOn);
  const patchAll = async (enabled: boolean): Promise<void> => {
    for (const { id } of concerned) {
      await holdfast.PATCH('/api/v1/jobs/{id}', { params: { path: { id } }, body: { enabled } });
    }
  };
  const change = useCommand({
    run: async () => {
      await patchAll(isOn);
      onDone();
    },
    done: () => `Switched ${isOn ? 'on' : 'off'} ${formatNumber(concerned.length)}`,
    undo: () => () => patchAll(!isOn),
    stale: STALE_JOBS,
  });
  return (
    <Button
      variant="default"
      disabled={concerned.length === 0}
      loading={change.isPending}
      onClick={() => change.mutate()}
    >
      {isOn ? 'Switch on' : 'Switch off'}
    </Button>
  );
}
