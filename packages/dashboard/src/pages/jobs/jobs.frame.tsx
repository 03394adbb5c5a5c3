import type { ReactNode } from 'react';
import { SegmentedControl } from '@mantine/core';
import { PageHeader } from '../../ui/page.header.tsx';
import { Link } from '../../ui/link.tsx';
import { useFilters } from '../../ui/use.filters.ts';
import { Figures } from './jobs.figures.tsx';
import classes from './jobs.module.css';

const VIEWS = [
  { to: '/jobs', label: 'Jobs' },
  { to: '/jobs/runs', label: 'Runs' },
  { to: '/jobs/next', label: 'Timeline' },
  { to: '/jobs/graph', label: 'Graph' },
] as const;

const SPANS = [
  { value: '1', label: '1 h' },
  { value: '24', label: '24 h' },
  { value: '168', label: '7 d' },
];

interface JobsFrameProps {
  at: (typeof VIEWS)[number]['to'];
  about: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

/** What all views of jobs have above them: how things stand, and the way to the other views. */
export function JobsFrame({ at, about, actions, children }: JobsFrameProps) {
  const [filters, change] = useFilters();
  const span = SPANS.find(({ value }) => value === filters['hours'])?.value ?? '24';
  const title = VIEWS.find(({ to }) => to === at)?.label ?? 'Jobs';
  return (
    <>
      <PageHeader title={title} about={about} actions={actions} />
      <Figures hours={Number(span)} />
      <div className={classes['viewsRow']}>
        <nav aria-label="Views of jobs" className={classes['views']}>
          {VIEWS.map(({ to, label }) => (
            <Link key={to} to={to} className={classes['view']} isExact>
              {label}
            </Link>
          ))}
        </nav>
        <div className={classes['look']}>
          Figures of the last
          <SegmentedControl
            aria-label="How far the figures look back"
            data={SPANS}
            value={span}
            onChange={(value) => change({ hours: value === '24' ? null : value })}
          />
        </div>
      </div>
      {children}
    </>
  );
}
