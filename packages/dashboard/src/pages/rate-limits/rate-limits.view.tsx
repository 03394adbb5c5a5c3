import { useState } from 'react';
import { Button, SegmentedControl, Skeleton } from '@mantine/core';
import { usePages } from '../../api/use.pages.ts';
import { useMay } from '../../api/use.session.ts';
import { DataTable, type Column } from '../../ui/data.table.tsx';
import { EmptyState } from '../../ui/empty.state.tsx';
import { Icon } from '../../ui/icon.tsx';
import { Num } from '../../ui/num.tsx';
import { PageHeader } from '../../ui/page.header.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { useFilters } from '../../ui/use.filters.ts';
import { limitWords, matchWords, subjectWords, type RateLimit, type RuleStats } from './rate-limit.words.ts';
import { RuleChart } from './rule.chart.tsx';
import { RuleDetail } from './rule.detail.tsx';
import { RuleForm } from './rule.form.tsx';
import { RuleState } from './rule.state.tsx';
import { Tiers } from './tiers.tsx';
import { useRateStats, type RateStats } from './use.rate.stats.ts';
import classes from './rate-limits.module.css';

const RANGES = [
  { value: '15', label: '15 min' },
  { value: '60', label: '1 hour' },
  { value: '180', label: '3 hours' },
];

/** Who may ask how much: the rules, and what became of requests by them. */
export function RateLimitsView() {
  const [filters, change] = useFilters();
  const minutes = RANGES.some(({ value }) => value === filters['minutes']) ? Number(filters['minutes']) : 60;
  const rows = usePages('/api/v1/rate-limits');
  const stats = useRateStats(minutes);
  const mayChange = useMay('admin');
  const [isMaking, setIsMaking] = useState(false);
  return (
    <>
      <PageHeader
        title="Rate limits"
        about={<StoreNote stats={stats.data} />}
        actions={
          mayChange && (
            <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setIsMaking(true)}>
              New rule
            </Button>
          )
        }
      />
      <div className={classes['range']}>
        <SegmentedControl
          aria-label="How far to look back"
          data={RANGES}
          value={String(minutes)}
          onChange={(value) => change({ minutes: value === '60' ? null : value })}
        />
      </div>
      {stats.error !== null && stats.data === undefined && <ProblemNotice error={stats.error} />}
      {stats.data === undefined ? (
        stats.error === null && <Skeleton height={190} mb={16} />
      ) : (
        <RuleChart title="What is let pass, and what is refused?" stats={stats.data} />
      )}
      <DataTable
        name="Rate limits"
        columns={columnsFor(stats.data)}
        rows={rows}
        keyOf={({ id }) => id}
        panel={{
          title: ({ name }) => name,
          render: (rule, close) => <RuleDetail id={rule.id} minutes={minutes} onGone={close} />,
        }}
        empty={<NoRules />}
      />
      <Tiers />
      {isMaking && <RuleForm onClose={() => setIsMaking(false)} />}
    </>
  );
}

function columnsFor(stats: RateStats | undefined): Column<RateLimit>[] {
  const statsOf = ({ id }: RateLimit): RuleStats | undefined => stats?.rules.find((one) => one.id === id);
  return [
    { id: 'state', label: 'State', width: '96px', render: (rule) => <RuleState rule={rule} /> },
    { id: 'name', label: 'Rule', width: 'minmax(130px, 1.2fr)', render: ({ name }) => name },
    { id: 'limit', label: 'Limit', width: 'minmax(190px, 1.7fr)', render: (rule) => limitWords(rule) },
    { id: 'subject', label: 'For', width: 'minmax(110px, 0.8fr)', render: ({ subject }) => subjectWords(subject) },
    { id: 'match', label: 'Counts', width: 'minmax(150px, 1.6fr)', render: (rule) => matchWords(rule) },
    { id: 'tier', label: 'Tier', width: '90px', isExtra: true, render: ({ tier }) => tier ?? '–' },
    {
      id: 'allowed',
      label: 'Allowed',
      width: '84px',
      align: 'end',
      render: (rule) => <Num value={statsOf(rule)?.allowed ?? null} of={rule.id} short />,
    },
    {
      id: 'refused',
      label: 'Refused',
      width: '104px',
      align: 'end',
      render: (rule) => <Refused rule={rule} stats={statsOf(rule)} />,
    },
  ];
}

function Refused({ rule, stats }: { rule: RateLimit; stats: RuleStats | undefined }) {
  if (stats === undefined || stats.shadowRefused === 0)
    return <Num value={stats?.refused ?? null} of={rule.id} short />;
  const { refused, shadowRefused } = stats;
  return (
    <span className={classes['would']} title={`${shadowRefused.toLocaleString()} would have been refused, in shadow`}>
      <Icon name="moon" size={14} /> <span className="hf-hidden">in shadow: </span>
      <Num value={refused + shadowRefused} of={rule.id} short />
    </span>
  );
}

/** Whether the numbers of a rule hold on each instance, or for all together. */
function StoreNote({ stats }: { stats: RateStats | undefined }) {
  if (stats === undefined) return <>Who may ask how much, and what became of it.</>;
  const { scope, isUp } = stats.store;
  if (!isUp) {
    return (
      <span className={classes['away']}>
        <Icon name="warn" size={16} /> Redis is away: each rule does what it says for that, until it is back.
      </span>
    );
  }
  return scope === 'shared' ? (
    <>Counted together by all instances, in Redis. A change holds everywhere within a second.</>
  ) : (
    <>Counted by each instance alone, in memory; with REDIS_URL all count together.</>
  );
}

function NoRules() {
  return (
    <EmptyState
      title="No rate limits"
      icon="gauge"
      curl={{
        method: 'POST',
        path: '/api/v1/rate-limits',
        body: {
          name: 'Checkout',
          algorithm: 'token_bucket',
          limit: 100,
          windowMs: 60_000,
          subject: 'api_key',
          mode: 'shadow',
        },
      }}
    >
      Nobody is held back. A first rule in shadow mode counts and refuses nothing: see whom it would have refused.
    </EmptyState>
  );
}
