import { JobsFrame } from './jobs.frame.tsx';
import { RunsTable } from './runs.table.tsx';

/** Every run that is kept, of every job. */
export function RunsView() {
  return (
    <JobsFrame
      at="/jobs/runs"
      about="Each time a job did its work, or is about to. One that failed at every attempt waits to be redriven."
    >
      <RunsTable name="Runs" />
    </JobsFrame>
  );
}
