import type { ProblemKind } from '../../kernel/problem.ts';

export const jobProblems = {
  jobNotFound: { code: 'job_not_found', status: 404, title: 'There is no such job' },
  runNotFound: { code: 'run_not_found', status: 404, title: 'There is no such run' },
  runFileNotFound: { code: 'run_file_not_found', status: 404, title: 'The run has no such file' },
  jobNameTaken: { code: 'job_name_taken', status: 409, title: 'Another job has this name' },
  tooManyJobs: { code: 'too_many_jobs', status: 409, title: 'There are as many jobs as there may be' },
  dependencyCycle: { code: 'dependency_cycle', status: 409, title: 'Jobs would wait for one another in a circle' },
  jobHasDependents: { code: 'job_has_dependents', status: 409, title: 'Other jobs depend on it' },
  jobIsSystem: { code: 'job_is_system', status: 409, title: "The job is Holdfast's own" },
  runIsOver: { code: 'run_is_over', status: 409, title: 'The run is over' },
  runNotFailed: { code: 'run_not_failed', status: 409, title: 'The run has not failed' },
  runNotHeld: { code: 'run_not_held', status: 409, title: 'The run is not held' },
  tooManyRuns: { code: 'too_many_runs', status: 409, title: 'Too many runs of the job wait already' },
} as const satisfies Record<string, ProblemKind>;
