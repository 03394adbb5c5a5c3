import { useEffect, useEffectEvent } from 'react';
import { useMutation } from '@tanstack/react-query';
import { Button, Modal, Skeleton } from '@mantine/core';
import type { components } from '@holdfast/client';
import { holdfast } from '../../api/holdfast.ts';
import { Num } from '../../ui/num.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { TimeChart } from '../../ui/time.chart.tsx';
import type { RateLimit } from './rate-limit.words.ts';
import { courseOf, shareOf, type Course } from './stats.course.ts';
import { SubjectName } from './subject.name.tsx';
import classes from './rate-limits.module.css';

export type NewRateLimit = components['schemas']['NewRateLimit'];
type Outcome = components['schemas']['RateLimitDryRun'];

const SUBJECTS_SHOWN = 5;

/** A stored rule as it would be made anew. */
export function bodyOf({
  id: _id,
  precision: _p,
  version: _v,
  createdAt: _c,
  updatedAt: _u,
  ...rule
}: RateLimit): NewRateLimit {
  const { costs, ...rest } = rule;
  const given = costs.map(({ methods, path, cost }) => ({
    cost,
    ...(methods === null ? {} : { methods }),
    ...(path === null ? {} : { path }),
  }));
  return { ...rest, ...(given.length === 0 ? {} : { costs: given }) };
}

/** What a rule would have done with the last hour. */
export function DryRunDialog({ rule, onClose }: { rule: RateLimit; onClose: () => void }) {
  return (
    <Modal opened onClose={onClose} title={`${rule.name}, against the last hour`}>
      <DryRun body={bodyOf(rule)} />
      <div className={classes['buttons']}>
        <Button onClick={onClose}>Close</Button>
      </div>
    </Modal>
  );
}

/** Tried when it is first shown, and whenever the rule is another. */
export function DryRun({ body }: { body: NewRateLimit }) {
  const run = useMutation({
    mutationFn: async (tried: NewRateLimit) =>
      (await holdfast.POST('/api/v1/rate-limits/dry-run', { body: tried })).data,
  });
  const asked = JSON.stringify(body);
  const start = useEffectEvent(() => run.mutate(body));
  useEffect(() => start(), [asked]);
  if (run.isError) return <ProblemNotice error={run.error} />;
  if (run.data === undefined) return <Skeleton height={120} />;
  return <DryRunOutcome outcome={run.data} kind={body.subject} />;
}

function DryRunOutcome({ outcome, kind }: { outcome: Outcome; kind: string }) {
  const { requests, matched, allowed, refused, unknown, overTime, subjects } = outcome;
  const { times, ...course } = courseOfTry(outcome);
  const hit = subjects.filter((subject) => subject.refused > 0).slice(0, SUBJECTS_SHOWN);
  return (
    <div role="status" aria-label="Against the last hour">
      <p className={classes['left']}>
        {refused === 0 ? (
          <>It would have refused nothing</>
        ) : (
          <>
            It would have refused{' '}
            <b>
              <Num value={refused} /> ({shareOf(refused, matched)})
            </b>
          </>
        )}{' '}
        of the <Num value={matched} /> that it counts, and let <Num value={allowed} /> pass.
      </p>
      {overTime.length > 1 && (
        <TimeChart
          title="When?"
          times={times}
          height={110}
          isStepped
          series={[
            { label: 'Allowed', colour: '--hf-available', values: course.allowed },
            { label: 'Refused', colour: '--hf-shortage', dash: [2, 2], values: course.refused },
          ]}
        />
      )}
      {hit.length > 0 && (
        <ul className={classes['hit']} aria-label="Who would have been refused">
          {hit.map((subject) => (
            <li key={subject.subject}>
              <SubjectName kind={kind} subject={subject.subject} />: <Num value={subject.refused} /> refused,{' '}
              <Num value={subject.allowed} /> allowed
            </li>
          ))}
        </ul>
      )}
      <p className={classes['quiet']}>
        Of <Num value={requests} /> requests that this instance had in the last hour
        {unknown > 0 && (
          <>
            ; of <Num value={unknown} /> too little is remembered to tell
          </>
        )}
        . Nothing was changed.
      </p>
    </div>
  );
}

const MINUTE_MS = 60_000;

/** By the minute, this one too: what is played again is whole. */
function courseOfTry({ from, to, overTime }: Outcome): Course {
  const steps = overTime.map((step) => ({ ...step, shadowRefused: 0 }));
  const end = new Date(Date.parse(to) + MINUTE_MS).toISOString();
  return courseOf([{ overTime: steps }], { from: from ?? to, to: end, stepMs: MINUTE_MS });
}
