import { useNavigate, useParams } from '@tanstack/react-router';
import { Skeleton } from '@mantine/core';
import { useGet } from '../../api/queries.ts';
import { Fact, Facts } from '../../ui/facts.tsx';
import { Link } from '../../ui/link.tsx';
import { Num } from '../../ui/num.tsx';
import { PageHeader } from '../../ui/page.header.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { TimeAgo } from '../../ui/time.tsx';
import { Deliveries } from './deliveries.tsx';
import { WebhookActions } from './webhook.actions.tsx';
import { WebhookState } from './webhook.state.tsx';
import { hostOf, whyDisabled, type Webhook } from './webhook.words.ts';

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
    <Facts>
      <Fact label="Sends">
        {events.join(', ')}
        {topics.length > 0 && ` of ${topics.join(', ')}`}
      </Fact>
      {!webhook.enabled && <Fact label="Off">{whyDisabled(webhook)}</Fact>}
      {data !== undefined && (
        <>
          <Fact label="Behind">
            <Num value={data.behind} /> {data.behind === 1 ? 'position' : 'positions'}
          </Fact>
          <Fact label="Waiting">
            <Num value={data.pending} />
          </Fact>
          <Fact label="Not taken">
            <Num value={data.setAside} /> set aside or given up
          </Fact>
          {data.failingSince !== null && (
            <Fact label="Failing since">
              <TimeAgo at={data.failingSince} />,{' '}
              {data.failuresInRow === 1 ? 'once' : `${data.failuresInRow} times in a row`}
            </Fact>
          )}
          {data.nextProbeAt !== null && (
            <Fact label="Next try">
              <TimeAgo at={data.nextProbeAt} />
            </Fact>
          )}
        </>
      )}
    </Facts>
  );
}
