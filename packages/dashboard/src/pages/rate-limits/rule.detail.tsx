import { useState } from 'react';
import { Button, Skeleton } from '@mantine/core';
import { holdfast } from '../../api/holdfast.ts';
import { useGet } from '../../api/queries.ts';
import { useCommand } from '../../api/use.command.tsx';
import { useMay } from '../../api/use.session.ts';
import { ConfirmDialog } from '../../ui/confirm.dialog.tsx';
import { Fact, Facts } from '../../ui/facts.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { Moment } from '../../ui/time.tsx';
import { DryRunDialog } from './dry.run.tsx';
import { overridesText } from './overrides.text.ts';
import { ALGORITHMS, limitWords, matchWords, subjectWords, type RateLimit } from './rate-limit.words.ts';
import { RuleForm } from './rule.form.tsx';
import { RuleState } from './rule.state.tsx';
import { RuleStatistics } from './rule.statistics.tsx';
import { SubjectStatus } from './subject.status.tsx';
import classes from './rate-limits.module.css';

const STALE = ['/api/v1/rate-limits', '/api/v1/rate-limits/{id}', '/api/v1/rate-limits/stats'] as const;

export function RuleDetail({ id, minutes, onGone }: { id: string; minutes: number; onGone: () => void }) {
  const { data, error, refetch } = useGet('/api/v1/rate-limits/{id}', { path: { id } });
  const mayChange = useMay('admin');
  if (error !== null && data === undefined) return <ProblemNotice error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Skeleton height={300} />;
  return (
    <>
      {mayChange && <RuleActions rule={data} onGone={onGone} />}
      <RuleFacts rule={data} />
      <RuleStatistics rule={data} minutes={minutes} />
      <SubjectStatus rule={data} />
    </>
  );
}

function RuleFacts({ rule }: { rule: RateLimit }) {
  const { algorithm, precision, adaptive, schedule, refund, onStoreError, tier } = rule;
  const facts: [string, string | null][] = [
    ['Limit', limitWords(rule)],
    ['For', subjectWords(rule.subject)],
    ['Counts', matchWords(rule)],
    ['How', `${ALGORITHMS[algorithm].name}, ${precision}`],
    ['Tier', tier === null ? null : `${tier}: its subjects, in place of the rule without a tier`],
    ['Costs', rule.costs.length === 0 ? null : rule.costs.map(costWords).join('; ')],
    ['Refund', refund === 'refused' ? 'what is refused later gives its units back' : null],
    ['Adapts', adaptive === null ? null : adaptiveWords(adaptive)],
    ['Without Redis', { allow: 'lets pass', deny: 'refuses', local: 'counts here, up to its share' }[onStoreError]],
  ];
  return (
    <Facts>
      <Fact label="State">
        <RuleState rule={rule} />
      </Fact>
      {facts.map(([label, value]) => (
        <Fact key={label} label={label}>
          {value}
        </Fact>
      ))}
      {(schedule.from !== null || schedule.to !== null) && (
        <Fact label="Counts from">
          <Moment at={schedule.from} /> to <Moment at={schedule.to} />
        </Fact>
      )}
      {Object.keys(rule.overrides).length > 0 && (
        <Fact label="Other limits">
          <pre className={classes['lines']}>{overridesText(rule.overrides)}</pre>
        </Fact>
      )}
    </Facts>
  );
}

function costWords({ methods, path, cost }: RateLimit['costs'][number]): string {
  return `${cost} for ${[methods?.join(', '), path].filter((part) => part != null).join(' ') || 'all others'}`;
}

function adaptiveWords({ eventLoopDelayMs, inFlight, floor }: NonNullable<RateLimit['adaptive']>): string {
  const bounds = [
    eventLoopDelayMs === null ? null : `the server is later than ${eventLoopDelayMs} ms`,
    inFlight === null ? null : `more than ${inFlight} requests are under way`,
  ].filter((bound) => bound !== null);
  return `down to ${Math.round(floor * 100)} % while ${bounds.join(' or ')}`;
}

type Asked = 'edit' | 'delete' | 'try' | null;

function RuleActions({ rule, onGone }: { rule: RateLimit; onGone: () => void }) {
  const [asked, setAsked] = useState<Asked>(null);
  const close = (): void => setAsked(null);
  const change = useStateChange(rule);
  const isShadow = rule.mode === 'shadow';
  return (
    <>
      <div className={classes['actions']}>
        <Button onClick={() => setAsked('edit')}>Edit</Button>
        <Button
          variant="default"
          loading={change.isPending}
          onClick={() => change.mutate({ mode: isShadow ? 'enforce' : 'shadow' })}
        >
          {isShadow ? 'Let it refuse' : 'To shadow'}
        </Button>
        <Button variant="default" disabled={change.isPending} onClick={() => change.mutate({ enabled: !rule.enabled })}>
          {rule.enabled ? 'Switch off' : 'Switch on'}
        </Button>
        <Button variant="default" onClick={() => setAsked('try')}>
          Try it
        </Button>
        <Button variant="default" onClick={() => setAsked('delete')}>
          Delete
        </Button>
      </div>
      {asked === 'edit' && <RuleForm rule={rule} onClose={close} />}
      {asked === 'try' && <DryRunDialog rule={rule} onClose={close} />}
      {asked === 'delete' && <DeleteDialog rule={rule} onGone={onGone} onClose={close} />}
    </>
  );
}

type StateChange = Partial<Pick<RateLimit, 'enabled' | 'mode'>>;

/** Done at once, and taken back by Undo: counters go on either way. */
function useStateChange({ id, name, mode, enabled }: RateLimit) {
  const patch = (body: StateChange) => holdfast.PATCH('/api/v1/rate-limits/{id}', { params: { path: { id } }, body });
  return useCommand<unknown, StateChange>({
    run: patch,
    done: (_answer, change) => `${name}: ${doneWords(change)}`,
    undo: (_answer, change) => () => patch(change.mode === undefined ? { enabled } : { mode }),
    stale: STALE,
  });
}

function doneWords({ enabled, mode }: StateChange): string {
  if (mode !== undefined) return mode === 'shadow' ? 'refuses nothing, and still counts' : 'refuses from now on';
  return enabled === true ? 'counts again' : 'counts nothing any more';
}

function DeleteDialog({ rule, onGone, onClose }: { rule: RateLimit; onGone: () => void; onClose: () => void }) {
  const remove = useCommand({
    run: async () => {
      await holdfast.DELETE('/api/v1/rate-limits/{id}', {
        params: { path: { id: rule.id }, header: { 'If-Match': `"${rule.version}"` } },
      });
      onGone();
    },
    done: () => `Deleted ${rule.name}`,
    stale: ['/api/v1/rate-limits', '/api/v1/rate-limits/stats'],
    showsRefusals: true,
  });
  return (
    <ConfirmDialog
      title={`Delete ${rule.name}?`}
      verb="Delete it"
      isDangerous
      isPending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <p className={classes['said']}>
        Its counters and its statistics go with it, and what it held back passes. To stop it for a while, switch it off.
      </p>
    </ConfirmDialog>
  );
}
