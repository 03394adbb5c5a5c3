import { useNavigate, useParams } from '@tanstack/react-router';
import { Skeleton } from '@mantine/core';
import { useGet } from '../../api/queries.ts';
import { Link } from '../../ui/link.tsx';
import { Num } from '../../ui/num.tsx';
import { PageHeader } from '../../ui/page.header.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { TimeAgo } from '../../ui/time.tsx';
import { Deliveries } from './deliveries.tsx';
import { WebhookActions } from './webhook.actions.tsx';
import { WebhookState } from './webhook.state.tsx';
import { hostOf, whyDisabled, type Webhook } from './webhook.words.ts';
import classes from './webhooks.module.css';

/** One endpoint: how it is doing, what was sent, and what to do. */
export function WebhookPage() {
  const navigate = useNavigate();
  const { id = '' } = useParams({ strict: false }) as { id?: string };
  const { data, error, refetch } = useGet('/api/v1/webhooks/{id}', { path: { id } });
  const title = data === undefined ? 'Webhook' : hostOf(data.url);
  return (
    <>
      <PageHeader
        title={title}
        beside={data !== undefined && <WebhookState webhook={data} />}
        about={
          <>
            <Link to="/webhooks">All webhooks</Link> · {data?.url}
          </>
        }
        actions={
          data !== undefined && <WebhookActions webhook={data} onGone={() => void navigate({ to: '/webhooks' })} />
        }
      />
      {error !== null && data === undefined && <ProblemNotice error={error} onRetry={() => void refetch()} />}
      {data === undefined ? <Skeleton height={120} /> : <Progress webhook={data} />}
      <Deliveries id={id} />
    </>
  );
}

function Progress({ webhook }: { webhook: Webhook }) {
  const { data } = useGet('/api/v1/webhooks/{id}/status', { path: { id: webhook.id } }, { staleTime: 2_000 });
  const { events, topics } = webhook;
  return (
    <dl className={classes['facts']}>
      <dt>Sends</dt>
      <dd>
        {events.join(', ')}
        {topics.length > 0 && ` of ${topics.join(', ')}`}
      </dd>
      {!webhook.enabled && (
        <>
          <dt>Off</dt>
          <dd>{whyDisabled(webhook)}</dd>
        </>
      )}
      {data !== undefined && (
        <>
          <dt>Behind</dt>
          <dd>
            <Num value={data.behind} /> {data.behind === 1 ? 'position' : 'positions'}
          </dd>
          <dt>Waiting</dt>
          <dd>
            <Num value={data.pending} />
          </dd>
          <dt>Not taken</dt>
          <dd>
            <Num value={data.setAside} /> set aside or given up
          </dd>
          {data.failingSince !== null && (
            <>
              <dt>Failing since</dt>
              <dd>
                <TimeAgo at={data.failingSince} />,{' '}
                {data.failuresInRow === 1 ? 'once' : `${data.failuresInRow} times in a row`}
              </dd>
            </>
          )}
          {data.nextProbeAt !== null && (
            <>
              <dt>Next try</dt>
              <dd>
                <TimeAgo at={data.nextProbeAt} />
              </dd>
            </>
          )}
        </>
      )}
    </dl>
  );
}
