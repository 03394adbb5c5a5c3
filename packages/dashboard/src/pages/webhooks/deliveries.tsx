import { useEffect } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import type { ReadPath } from '../../api/queries.ts';
import { usePages } from '../../api/use.pages.ts';
import { DataTable, type Column } from '../../ui/data.table.tsx';
import { EmptyState } from '../../ui/empty.state.tsx';
import { Fact, Facts } from '../../ui/facts.tsx';
import { FilterBar } from '../../ui/filter.bar.tsx';
import { StateWord } from '../../ui/state.word.tsx';
import { Moment, TimeAgo } from '../../ui/time.tsx';
import { pick, useFilters } from '../../ui/use.filters.ts';
import { DELIVERY_WORDS, type Delivery } from './webhook.words.ts';
import classes from './webhooks.module.css';

const SHAPES = { pending: 'clock', delivered: 'check', set_aside: 'warn', failed: 'close' } as const;
const TONES = { pending: 'quiet', delivered: 'good', set_aside: 'warn', failed: 'bad' } as const;

const EVERY_MS = 3_000;
const OF_DELIVERY: readonly ReadPath[] = ['/api/v1/webhooks/{id}/deliveries', '/api/v1/webhooks/{id}/status'];

const STATUSES = Object.entries(DELIVERY_WORDS).map(([value, label]) => ({ value, label }));

const COLUMNS: Column<Delivery>[] = [
  { id: 'status', label: 'Status', width: '130px', render: (delivery) => <DeliveryState delivery={delivery} /> },
  { id: 'type', label: 'Event', width: 'minmax(140px, 1fr)', render: ({ type }) => type },
  { id: 'subject', label: 'About', width: 'minmax(120px, 1.4fr)', render: ({ subject }) => subject },
  { id: 'attemptCount', label: 'Tries', width: '70px', align: 'end', render: ({ attemptCount }) => attemptCount },
  { id: 'answer', label: 'Answer', width: 'minmax(100px, 1fr)', render: ({ attempts }) => answerOf(attempts.at(-1)) },
  {
    id: 'position',
    label: 'Position',
    width: '100px',
    align: 'end',
    isExtra: true,
    render: ({ position }) => position,
  },
  { id: 'eventAt', label: 'Happened', width: '116px', align: 'end', render: ({ eventAt }) => <TimeAgo at={eventAt} /> },
];

function answerOf(attempt: Delivery['attempts'][number] | undefined): string {
  if (attempt === undefined) return '–';
  return attempt.error ?? `${attempt.responseStatus ?? '–'} in ${attempt.durationMs} ms`;
}

function DeliveryState({ delivery: { status } }: { delivery: Delivery }) {
  return (
    <StateWord icon={SHAPES[status]} tone={TONES[status]}>
      {DELIVERY_WORDS[status]}
    </StateWord>
  );
}

/** What was sent to an endpoint, and what it said. */
export function Deliveries({ id }: { id: string }) {
  const [filters] = useFilters();
  const rows = usePages('/api/v1/webhooks/{id}/deliveries', {
    path: { id },
    query: pick(filters, ['status']) as never,
  });
  useAskedAgain();
  return (
    <section aria-label="Deliveries">
      <h2 className={classes['heading']}>Deliveries</h2>
      <FilterBar filters={[{ name: 'status', label: 'Status', options: STATUSES }]} />
      <DataTable
        name="Deliveries"
        columns={COLUMNS}
        rows={rows}
        keyOf={(delivery) => delivery.id}
        panel={{
          title: ({ type, subject }) => `${type}: ${subject}`,
          render: (delivery) => <Attempts delivery={delivery} />,
        }}
        empty={
          <EmptyState title="Nothing sent yet" icon="hook">
            The next event that it asks for appears here, with every try and what the endpoint said.
          </EmptyState>
        }
      />
    </section>
  );
}

/** What was sent is no event of the stream: it is asked for while one looks. */
function useAskedAgain(): void {
  const client = useQueryClient();
  useEffect(() => {
    const timer = setInterval(() => {
      for (const path of OF_DELIVERY) void client.invalidateQueries({ queryKey: [path] });
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, [client]);
}

function Attempts({ delivery }: { delivery: Delivery }) {
  return (
    <>
      <Facts>
        <Fact label="Status">
          <DeliveryState delivery={delivery} />
        </Fact>
        <Fact label="webhook-id">
          <code>{delivery.messageId}</code>
        </Fact>
        <Fact label="Position">{delivery.position}</Fact>
        {delivery.nextAttemptAt !== null && (
          <Fact label="Next try">
            <Moment at={delivery.nextAttemptAt} />
          </Fact>
        )}
      </Facts>
      <ol className={classes['attempts']} aria-label="Tries">
        {delivery.attempts.map((attempt) => (
          <li key={attempt.at}>
            <Moment at={attempt.at} />: {answerOf(attempt)}
            {attempt.response !== null && attempt.response !== '' && (
              <pre className={classes['response']} tabIndex={0} aria-label="How the answer begins">
                {attempt.response}
              </pre>
            )}
          </li>
        ))}
      </ol>
    </>
  );
}
