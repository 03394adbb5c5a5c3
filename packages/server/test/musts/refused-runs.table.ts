/** A row as a bug would write it. */
export const insertInto = (table: string, values: Record<string, string | number>): string =>
  `INSERT INTO ${table} (${Object.keys(values).join(', ')}) VALUES (${Object.values(values).join(', ')})`;

const SOME_RUN = "'0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a2b'";
const OTHER_RUN = "'0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a2c'";
const SOME_TICKET = "'0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a2d'";
const THE_JOB = "(SELECT id FROM job WHERE name = 'Call')";

const job = (set: string): string => `UPDATE job SET ${set} WHERE name = 'Call'`;

const run = (values: Record<string, string | number>): string =>
  insertInto('run', {
    id: SOME_RUN,
    job_id: THE_JOB,
    type: "'http_request'",
    cycle_id: 'gen_random_uuid()',
    status: "'queued'",
    priority: 1,
    trigger: "'request'",
    started_by: "'open'",
    config: "'{}'",
    attempts_max: 1,
    timeout_ms: 1_000,
    due_at: 'now()',
    created_at: 'now()',
    ticket_id: 'gen_random_uuid()',
    ...values,
  });
const running = { status: "'running'", worker: "'shop-1:4711'" };
const over = { ticket_id: 'NULL', finished_at: 'now()' };
const twoRuns = (values: Record<string, string | number>): string =>
  `${run(values)}; ${run({ id: OTHER_RUN, ...values })}`;

const attempt = (values: Record<string, string | number>): string =>
  `${run(running)}; ${insertInto('run_attempt', {
    run_id: SOME_RUN,
    attempt: 1,
    fence: 1,
    worker: "'shop-1:4711'",
    started_at: 'now()',
    ...values,
  })}`;

/** Of jobs and their runs: as those of REFUSED. */
export const REFUSED_RUNS: readonly (readonly [string, string, string])[] = [
  // Jobs
  ['a job of a name that is taken', `UPDATE job SET name = 'Call'`, 'job_name_is_taken'],
  ['a priority that is none', job('priority = 4'), 'job_priority_is_known'],
  ['a priority below all', job('priority = -1'), 'job_priority_is_known'],
  ['less than no retries', job('retries = -1'), 'job_retries_are_bounded'],
  ['retries without end', job('retries = 101'), 'job_retries_are_bounded'],
  ['an attempt of hardly any time', job('timeout_ms = 99'), 'job_takes_at_most_a_day'],
  ['an attempt that outlasts its ticket', job('timeout_ms = 82800001'), 'job_takes_at_most_a_day'],
  ['no run at once', job('concurrency = 0'), 'job_concurrency_is_bounded'],
  ['more runs at once than 100', job('concurrency = 101'), 'job_concurrency_is_bounded'],
  ['an overlap that is none', job(`overlap = 'join'`), 'job_overlap_is_known'],
  ['a way to catch up that is none', job(`catch_up = 'always'`), 'job_catch_up_is_known'],
  ['nothing to catch up with', job('catch_up_max = 0'), 'job_catch_up_is_bounded'],
  ['too much to catch up with', job('catch_up_max = 1001'), 'job_catch_up_is_bounded'],
  ['a way with failures that is none', job(`after_failure = 'panic'`), 'job_after_failure_is_known'],
  ['a cache of less than no time', job('cache_for_ms = -1'), 'job_cache_is_never_negative'],
  ['runs kept for no time', job('keep_days = 0'), 'job_history_is_kept_a_while'],
  ['runs kept for more than ten years', job('keep_days = 3651'), 'job_history_is_kept_a_while'],
  [
    'a job that waits for itself',
    `INSERT INTO job_dependency (job_id, depends_on) VALUES (${THE_JOB}, ${THE_JOB})`,
    'job_never_waits_for_itself',
  ],
  ['a dependency twice', 'INSERT INTO job_dependency SELECT * FROM job_dependency', 'job_dependency_pkey'],
  ['the end of a job that others wait for', `DELETE FROM job WHERE name = 'Call'`, 'job_dependency_depends_on_fkey'],
  ['two states of a job', 'INSERT INTO job_state SELECT * FROM job_state LIMIT 1', 'job_state_pkey'],
  // Runs
  ['a run of no job', run({ job_id: 'gen_random_uuid()' }), 'run_job_id_fkey'],
  ['a run in a state that is none', run({ status: "'dead'", ticket_id: 'NULL' }), 'run_status_is_known'],
  ['a run for no reason that there is', run({ trigger: "'mood'" }), 'run_trigger_is_known'],
  ['a run that ended at no time', run({ ...over, status: "'succeeded'", finished_at: 'NULL' }), 'run_ends_at_a_time'],
  ['a time of an end without it', run({ finished_at: 'now()' }), 'run_ends_at_a_time'],
  ['a run that waits in no queue', run({ ticket_id: 'NULL' }), 'run_that_may_be_taken_has_a_ticket'],
  [
    'a run that is over and waits',
    run({ status: "'skipped'", finished_at: 'now()' }),
    'run_that_may_be_taken_has_a_ticket',
  ],
  ['a run that nobody runs', run({ status: "'running'" }), 'run_that_runs_has_a_worker'],
  ['a worker of a run that waits', run({ worker: "'shop-1:4711'" }), 'run_that_runs_has_a_worker'],
  ['a failure for no reason', run({ ...over, status: "'failed'" }), 'run_fails_for_a_reason'],
  ['more than all of it done', run({ ...running, percent: 101 }), 'run_percent_is_a_percentage'],
  ['less than nothing of it done', run({ ...running, percent: -1 }), 'run_percent_is_a_percentage'],
  [
    'a deadline in a state that is none',
    run({ deadline: 'now()', deadline_state: "'soon'" }),
    'run_deadline_state_is_known',
  ],
  ['a deadline that is missed and is none', run({ deadline_state: "'missed'" }), 'run_has_a_deadline_to_keep'],
  ['a deadline of which nobody knows', run({ deadline: 'now()' }), 'run_has_a_deadline_to_keep'],
  ['a tick that fires twice', twoRuns({ tick: 'now()' }), 'run_stands_alone_for_its_tick'],
  ['a job twice in a cycle', twoRuns({ cycle_id: SOME_RUN }), 'run_follows_its_dependencies_once'],
  ['two runs on one ticket', twoRuns({ ticket_id: SOME_TICKET }), 'run_of_ticket'],
  // Attempts and what they leave
  [
    'an attempt that came to nothing known',
    attempt({ outcome: "'bored'", finished_at: 'now()' }),
    'run_attempt_outcome_is_known',
  ],
  ['an attempt that ended in no way', attempt({ finished_at: 'now()' }), 'run_attempt_ends_with_an_outcome'],
  ['a way that an attempt ended at no time', attempt({ outcome: "'succeeded'" }), 'run_attempt_ends_with_an_outcome'],
  [
    'two attempts with one fence',
    `${attempt({})}; INSERT INTO run_attempt SELECT * FROM run_attempt WHERE run_id = ${SOME_RUN}`,
    'run_attempt_pkey',
  ],
  [
    'a line of a log in no voice',
    `${run({})}; ${insertInto('run_log', { run_id: SOME_RUN, line: 1, at: 'now()', attempt: 1, level: "'shout'", message: "'!'" })}`,
    'run_log_level_is_known',
  ],
  [
    'what is done exactly once, twice',
    `${run({})}; ${insertInto('run_effect', { run_id: SOME_RUN, key: "'pay'", at: 'now()' })};
     INSERT INTO run_effect SELECT * FROM run_effect WHERE run_id = ${SOME_RUN}`,
    'run_effect_pkey',
  ],
];
