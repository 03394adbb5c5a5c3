import { Skeleton } from '@mantine/core';
import { useGet, type Item } from '../../api/queries.ts';
import { usePages } from '../../api/use.pages.ts';
import { Actor } from '../../ui/actor.tsx';
import { DataTable, type Column } from '../../ui/data.table.tsx';
import { EmptyState } from '../../ui/empty.state.tsx';
import { Icon } from '../../ui/icon.tsx';
import { Num } from '../../ui/num.tsx';
import { PageHeader } from '../../ui/page.header.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { ShortTable } from '../../ui/short.table.tsx';
import { StateWord } from '../../ui/state.word.tsx';
import { TimeChart } from '../../ui/time.chart.tsx';
import { TimeAgo } from '../../ui/time.tsx';
import { sumOf } from './metrics.text.ts';
import { useMetrics, type Metrics, type Moment } from './use.metrics.ts';
import classes from './system.module.css';

/** How the server is doing: this instance, the others, and who changed what. */
export function SystemView() {
  const metrics = useMetrics();
  return (
    <>
      <PageHeader title="System" about="Figures are of the instance that serves this page, since it was opened." />
      {metrics.error !== null && <ProblemNotice error={metrics.error} />}
      <Pause />
      <Figures metrics={metrics} />
      <Charts course={metrics.course} />
      <Instances />
      <Audit />
    </>
  );
}

/** Of the whole installation: a copy that was restored begins with it. */
function Pause() {
  const { data } = useGet('/api/v1/settings', {}, { staleTime: 5_000 });
  if (data === undefined || data.paused === null) return null;
  const { since, because } = data.paused;
  return (
    <p role="status" className={classes['pause']}>
      <Icon name="warn" />
      <span>
        <strong>Paused</strong> <TimeAgo at={since} />: {because}. Nothing is sent to webhooks, and no jobs run, until{' '}
        <code>holdfast resume</code>.
      </span>
    </p>
  );
}

function Figures({ metrics: { latest } }: { metrics: Metrics }) {
  const figures = [
    ['Stream position', sumOf(latest, 'inventory_event_position')],
    ['Listeners', sumOf(latest, 'holdfast_event_subscribers')],
    ['Requests under way', sumOf(latest, 'http_requests_in_flight')],
    ['Expiry lag, s', sumOf(latest, 'holdfast_expiry_lag_seconds')],
    ['Memory, MB', megabytes(sumOf(latest, 'process_resident_memory_bytes'))],
  ] as const;
  return (
    <dl className={classes['figures']}>
      {figures.map(([label, value]) => (
        <div key={label} className={classes['figure']}>
          <dt>{label}</dt>
          <dd>{value === null ? '–' : <Num value={value} />}</dd>
        </div>
      ))}
    </dl>
  );
}

function megabytes(bytes: number | null): number | null {
  return bytes === null ? null : Math.round(bytes / 1_000_000);
}

function Charts({ course }: { course: readonly Moment[] }) {
  if (course.length < 2) return <Skeleton height={200} mb={20} />;
  const times = course.map(({ atMs }) => atMs);
  const values = (of: (moment: Moment) => number | null) => course.map(of);
  return (
    <div className={classes['charts']}>
      <TimeChart
        title="How busy is it?"
        times={times}
        height={150}
        series={[
          { label: 'Requests a second', colour: '--hf-available', values: values(({ requests }) => requests) },
          {
            label: 'Movements a second',
            colour: '--hf-reserved',
            dash: [4, 3],
            values: values(({ movements }) => movements),
          },
        ]}
      />
      <TimeChart
        title="How long does a batch take, and how late is the process?"
        times={times}
        height={150}
        series={[
          { label: 'Batch, ms', colour: '--hf-committed', values: values(({ batchMs }) => batchMs) },
          { label: 'Loop delay p99, ms', colour: '--hf-safety', dash: [4, 3], values: values(({ loopMs }) => loopMs) },
        ]}
      />
    </div>
  );
}

function Instances() {
  const { data, error } = useGet('/api/v1/instances', {}, { staleTime: 5_000 });
  if (error !== null && data === undefined) return <ProblemNotice error={error} />;
  if (data === undefined) return <Skeleton height={80} />;
  return (
    <section aria-labelledby="instances">
      <h2 id="instances" className={classes['heading']}>
        Instances
      </h2>
      <div className={classes['scroll']} tabIndex={0} role="group" aria-label="All instances">
        <ShortTable>
          <thead>
            <tr>
              <th scope="col">Machine</th>
              <th scope="col">Process</th>
              <th scope="col">Version</th>
              <th scope="col">Hints by</th>
              <th scope="col">Started</th>
              <th scope="col">State</th>
            </tr>
          </thead>
          <tbody>
            {data.items.map(({ id, host, pid, version, signals, startedAt, status }) => (
              <tr key={id}>
                <td>{host}</td>
                <td>{pid}</td>
                <td>{version}</td>
                <td>{signals}</td>
                <td>
                  <TimeAgo at={startedAt} />
                </td>
                <td>
                  <StateWord icon={status === 'up' ? 'check' : 'close'} tone={status === 'lost' ? 'bad' : 'plain'}>
                    {status}
                  </StateWord>
                </td>
              </tr>
            ))}
          </tbody>
        </ShortTable>
      </div>
    </section>
  );
}

type Entry = Item<'/api/v1/audit'>;

const AUDIT: Column<Entry>[] = [
  { id: 'at', label: 'When', width: '116px', render: ({ at }) => <TimeAgo at={at} /> },
  { id: 'kind', label: 'What', width: 'minmax(140px, 1fr)', render: ({ kind }) => kind },
  { id: 'subject', label: 'About', width: 'minmax(140px, 1.4fr)', render: ({ subject }) => subject },
  { id: 'actor', label: 'By', width: 'minmax(140px, 1fr)', render: ({ actor }) => <Actor of={actor} /> },
];

function Audit() {
  const rows = usePages('/api/v1/audit');
  return (
    <section aria-labelledby="audit">
      <h2 id="audit" className={classes['heading']}>
        Who changed which setting
      </h2>
      <DataTable
        name="Audit"
        columns={AUDIT}
        rows={rows}
        keyOf={({ id }) => String(id)}
        panel={{
          title: ({ kind, subject }) => `${kind}: ${subject}`,
          render: ({ data }) => (
            <pre className={classes['json']} tabIndex={0} aria-label="As it was left">
              {JSON.stringify(data, null, 2)}
            </pre>
          ),
        }}
        empty={
          <EmptyState title="Nothing was changed" icon="book">
            Products, locations, keys, people and webhooks: who changed them stands here.
          </EmptyState>
        }
      />
    </section>
  );
}
