import type { ReactNode } from 'react';
import type { Answer } from '../../api/queries.ts';
import { Link } from '../../ui/link.tsx';
import { formatCount, formatNumber, Money, Num } from '../../ui/num.tsx';
import { Sparkline } from '../../ui/sparkline.tsx';
import { courseOf } from './activity.rules.ts';
import type { Activity } from './use.activity.ts';
import classes from './home.module.css';

const STEPS = 40;

/** The numbers of the whole installation, each with its course and a way to what it counts. */
export function Figures({ summary, activity }: { summary: Answer<'/api/v1/summary'>; activity: Activity }) {
  const { units, value, currency } = summary;
  const { fromMs, toMs, movements } = activity;
  const course = courseOf(units, movements, { fromMs, toMs, steps: STEPS });
  const minutes = Math.round((toMs - fromMs) / 60_000);
  const span = minutes >= 120 ? `the last ${Math.round(minutes / 60)} hours` : `the last ${minutes} minutes`;
  const spark = (name: string, values: readonly number[]): ReactNode => (
    <Sparkline values={values} label={`${name}, ${span}: ${describeCourse(values)}`} />
  );
  const holds = course.holds.reduce((sum, count) => sum + count, 0);
  return (
    <>
      <dl className={classes['figures']}>
        <Figure name="On hand" to="/inventory" spark={spark('On hand', course.onHand)}>
          <Num value={units.onHand} short />
        </Figure>
        <Figure name="Available" to="/inventory?status=in_stock" spark={spark('Available', course.available)}>
          <Num value={units.available} short />
        </Figure>
        <Figure name="Reserved" to="/reservations?status=pending" spark={spark('Reserved', course.reserved)}>
          <Num value={units.reserved} short />
        </Figure>
        <Figure name="Committed" to="/reservations?status=confirmed" spark={spark('Committed', course.committed)}>
          <Num value={units.committed} short />
        </Figure>
        <Figure name="Reservations/min" to="/reservations" spark={spark('Reservations', course.holds)}>
          {formatNumber(Math.round((holds / Math.max(1, minutes)) * 10) / 10)}
        </Figure>
        <Figure name="Value on hand" spark={`of ${formatCount(summary.products, 'product')}`}>
          <Money value={value} currency={currency} short />
        </Figure>
      </dl>
      <dl className={classes['watch']}>
        <Watch name="Low" to="/inventory?status=low" value={summary.lowStock} tone="warn" />
        <Watch name="Out" to="/inventory?status=out" value={summary.outOfStock} tone="bad" />
        <Watch name="Short" to="/inventory?status=short" value={summary.short} tone="bad" />
        <Watch name="Open reservations" to="/reservations" value={summary.openReservations} />
        <Watch
          name="Expire within 5 minutes"
          to="/reservations?status=pending"
          value={summary.expiringSoon}
          tone="warn"
        />
        <Watch name="Products" to="/products" value={summary.products} />
        <Watch name="Levels" to="/inventory" value={summary.levels} />
      </dl>
    </>
  );
}

function describeCourse(values: readonly number[]): string {
  return `from ${formatNumber(values[0] ?? 0)} to ${formatNumber(values.at(-1) ?? 0)}`;
}

/** A path with a query, as a link takes it. */
function linkParts(to: string): { to: string; search: Record<string, string> } {
  const [path = '/', query = ''] = to.split('?');
  return { to: path, search: Object.fromEntries(new URLSearchParams(query)) };
}

function Figure({ name, to, spark, children }: { name: string; to?: string; spark: ReactNode; children: ReactNode }) {
  return (
    <div className={classes['figure']}>
      <dt>{to === undefined ? name : <Link {...linkParts(to)}>{name}</Link>}</dt>
      <dd className={classes['value']}>{children}</dd>
      <dd className={classes['spark']}>{spark}</dd>
    </div>
  );
}

function Watch({ name, to, value, tone }: { name: string; to: string; value: number; tone?: 'warn' | 'bad' }) {
  return (
    <div className={classes['watched']} data-tone={value > 0 ? tone : undefined}>
      <dt>
        <Link {...linkParts(to)}>{name}</Link>
      </dt>
      <dd>
        <Num value={value} />
      </dd>
    </div>
  );
}
