import { Skeleton } from '@mantine/core';
import { Num } from '../../ui/num.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { RuleChart } from './rule.chart.tsx';
import { shareOf } from './stats.course.ts';
import type { RateLimit, RuleStats } from './rate-limit.words.ts';
import { SubjectName } from './subject.name.tsx';
import { useRateStats } from './use.rate.stats.ts';
import classes from './rate-limits.module.css';

const SHOWN_MAX = 10;

/** What became of the requests that one rule counts, and who asked most. */
export function RuleStatistics({ rule: { id, subject: kind }, minutes }: { rule: RateLimit; minutes: number }) {
  const { data, error } = useRateStats(minutes, id);
  if (error !== null && data === undefined) return <ProblemNotice error={error} />;
  if (data === undefined) return <Skeleton height={200} />;
  const rule = data.rules.find((one) => one.id === id);
  if (rule === undefined) return null;
  const all = rule.allowed + rule.refused + rule.shadowRefused;
  return (
    <>
      <RuleChart title="What became of requests?" stats={{ ...data, rules: [rule] }} height={130} />
      <p className={classes['said']}>
        <Num value={all} of={id} /> counted, {shareOf(rule.refused, all)} refused
        {rule.shadowRefused > 0 && <>, and {shareOf(rule.shadowRefused, all)} would have been</>}.
        {rule.factor < 1 && ` The server is busy: ${Math.round(rule.factor * 100)} % of the limit holds now.`}
      </p>
      <TopSubjects kind={kind} subjects={rule.topSubjects} />
    </>
  );
}

function TopSubjects({ kind, subjects }: { kind: string; subjects: RuleStats['topSubjects'] }) {
  if (subjects.length === 0) return <p className={classes['quiet']}>Nobody asked for what it counts.</p>;
  return (
    <table className={classes['table']}>
      <caption>Who asked most</caption>
      <thead>
        <tr>
          <th scope="col">Subject</th>
          <th scope="col">Allowed</th>
          <th scope="col">Refused</th>
        </tr>
      </thead>
      <tbody>
        {subjects.slice(0, SHOWN_MAX).map(({ subject, allowed, refused }) => (
          <tr key={subject}>
            <th scope="row">
              <SubjectName kind={kind} subject={subject} />
            </th>
            <td>
              <Num value={allowed} of={subject} />
            </td>
            <td>
              <Num value={refused} of={subject} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
