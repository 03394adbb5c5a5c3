import { useState, type SubmitEvent } from 'react';
import { Button, TextInput } from '@mantine/core';
import { useGet } from '../../api/queries.ts';
import { Num } from '../../ui/num.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { Moment } from '../../ui/time.tsx';
import type { RateLimit } from './rate-limit.words.ts';
import classes from './rate-limits.module.css';

const EXAMPLES: Record<string, string> = { api_key: 'the id of a key', user: 'the id of a person', ip: '203.0.113.7' };

/** What one subject has left, without spending any. */
export function SubjectStatus({ rule }: { rule: RateLimit }) {
  const isGlobal = rule.subject === 'global';
  const [text, setText] = useState('');
  const [asked, setAsked] = useState<string | null>(null);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    setAsked(text.trim());
  };
  return (
    <section aria-labelledby="subject-status" className={classes['section']}>
      <h3 id="subject-status" className={classes['heading']}>
        {isGlobal ? 'What is left?' : 'What has somebody left?'}
      </h3>
      {!isGlobal && (
        <form onSubmit={submit} className={classes['ask']}>
          <TextInput
            aria-label="Subject"
            placeholder={EXAMPLES[rule.subject] ?? 'a value of the header'}
            maxLength={255}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
          <Button type="submit" variant="default" disabled={text.trim() === ''}>
            Look
          </Button>
        </form>
      )}
      {(isGlobal || asked !== null) && <Status id={rule.id} subject={asked} />}
    </section>
  );
}

function Status({ id, subject }: { id: string; subject: string | null }) {
  const { data, error } = useGet(
    '/api/v1/rate-limits/{id}/status',
    { path: { id }, ...(subject === null ? {} : { query: { subject } }) },
    { staleTime: 0 },
  );
  if (error !== null) return <ProblemNotice error={error} />;
  if (data === undefined) return null;
  const { remaining, limit, burst, resetAt, retryAfterMs, tier, isOverridden, isActive } = data;
  return (
    <div role="status">
      <p className={classes['left']}>
        <b>
          <Num value={remaining} /> of <Num value={burst ?? limit} />
        </b>{' '}
        left{retryAfterMs > 0 && `; the next may pass in ${(retryAfterMs / 1_000).toFixed(1)} s`}.
      </p>
      <p className={classes['quiet']}>
        As if nothing was used at <Moment at={resetAt} />.{tier !== null && ` Of the tier ${tier}.`}
        {isOverridden && ' It has a limit of its own.'}
        {!isActive && ' The rule does not count now.'}
      </p>
    </div>
  );
}
