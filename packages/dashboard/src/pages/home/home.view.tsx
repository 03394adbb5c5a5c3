import { Skeleton } from '@mantine/core';
import { useGet } from '../../api/queries.ts';
import { useStore } from '../../app/store.ts';
import { connectionStore, isAway } from '../../api/connection.store.ts';
import { LevelBar } from '../../ui/level.bar.tsx';
import { PageHeader } from '../../ui/page.header.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { TimeAgo } from '../../ui/time.tsx';
import { Expiring } from './expiring.tsx';
import { Figures } from './figures.tsx';
import { FirstSteps } from './first.steps.tsx';
import { LatestMovements } from './latest.movements.tsx';
import { LocationTable } from './location.table.tsx';
import { levelOfAll } from './sums.rules.ts';
import { useActivity } from './use.activity.ts';
import classes from './home.module.css';

/** No event tells that a hold is about to end. */
const RENEW_MS = 60_000;

export function HomeView() {
  const summary = useGet('/api/v1/summary', {}, { refetchInterval: RENEW_MS });
  const activity = useActivity();
  if (summary.isError && summary.data === undefined) {
    return (
      <>
        <PageHeader title="Home" />
        <ProblemNotice error={summary.error} onRetry={() => void summary.refetch()} />
      </>
    );
  }
  if (summary.data === undefined) return <HomeSkeleton />;
  if (summary.data.levels === 0) return <FirstSteps />;
  return (
    <>
      <PageHeader title="Home" beside={<Freshness asOf={summary.data.asOf} />} />
      <Figures summary={summary.data} activity={activity} />
      <section className={classes['whole']} aria-label="All stock">
        <LevelBar level={levelOfAll(summary.data)} size="page" withLabels />
      </section>
      <div className={classes['columns']}>
        <LatestMovements activity={activity} />
        <div className={classes['side']}>
          <Expiring />
          <LocationTable summary={summary.data} />
        </div>
      </div>
    </>
  );
}

function Freshness({ asOf }: { asOf: string }) {
  const connection = useStore(connectionStore);
  // In an outage it is the bar of the connection that speaks.
  if (isAway(connection)) {
    return (
      <span className={classes['fresh']}>
        Sums of <TimeAgo at={asOf} />
      </span>
    );
  }
  const { isLive } = connection;
  return (
    <span className={classes['fresh']} data-live={isLive || undefined}>
      {isLive ? 'Live' : 'Asked every few seconds'}, sums of <TimeAgo at={asOf} />
    </span>
  );
}

function HomeSkeleton() {
  return (
    <div aria-busy="true">
      <PageHeader title="Home" />
      <Skeleton height={112} mb={16} />
      <Skeleton height={48} mb={16} />
      <Skeleton height={380} />
    </div>
  );
}
