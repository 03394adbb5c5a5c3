import { useState } from 'react';
import { useNavigate } from '@tanstack/react-router';
import { Button } from '@mantine/core';
import { usePages } from '../../api/use.pages.ts';
import { DataTable, type Column } from '../../ui/data.table.tsx';
import { EmptyState } from '../../ui/empty.state.tsx';
import { Icon } from '../../ui/icon.tsx';
import { Link, pathOf } from '../../ui/link.tsx';
import { PageHeader } from '../../ui/page.header.tsx';
import { TimeAgo } from '../../ui/time.tsx';
import { WebhookForm } from './webhook.form.tsx';
import { WebhookState } from './webhook.state.tsx';
import type { Webhook } from './webhook.words.ts';

const COLUMNS: Column<Webhook>[] = [
  {
    id: 'url',
    label: 'Endpoint',
    width: 'minmax(200px, 2fr)',
    render: ({ id, url }) => <Link to={pathOf('/webhooks', id)}>{url}</Link>,
  },
  { id: 'events', label: 'Events', width: 'minmax(120px, 1fr)', render: ({ events }) => events.join(', ') },
  {
    id: 'topics',
    label: 'Topics',
    width: 'minmax(100px, 1fr)',
    render: ({ topics }) => (topics.length > 0 ? topics.join(', ') : 'all'),
  },
  { id: 'state', label: 'State', width: '150px', render: (webhook) => <WebhookState webhook={webhook} /> },
  {
    id: 'createdAt',
    label: 'Made',
    width: '116px',
    align: 'end',
    render: ({ createdAt }) => <TimeAgo at={createdAt} />,
  },
];

/** Where events are sent. */
export function WebhooksView() {
  const navigate = useNavigate();
  const rows = usePages('/api/v1/webhooks');
  const [isMaking, setIsMaking] = useState(false);
  return (
    <>
      <PageHeader
        title="Webhooks"
        about="Each event is sent until it is taken, for three days, in order for each product and each reservation."
        actions={
          <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setIsMaking(true)}>
            New webhook
          </Button>
        }
      />
      <DataTable
        name="Webhooks"
        columns={COLUMNS}
        rows={rows}
        keyOf={({ id }) => id}
        onOpen={({ id }) => void navigate({ to: pathOf('/webhooks', id) })}
        empty={<NoWebhooks />}
      />
      {isMaking && <WebhookForm onClose={() => setIsMaking(false)} />}
    </>
  );
}

function NoWebhooks() {
  return (
    <EmptyState
      title="No webhooks"
      icon="hook"
      curl={{
        method: 'POST',
        path: '/api/v1/webhooks',
        body: { url: 'https://shop.example.com/hooks/stock', events: ['stock.changed', 'reservation.*'] },
      }}
    >
      Have your shop told of what happens to stock: each event is a signed request to an address of yours.
    </EmptyState>
  );
}
