import { useState } from 'react';
import { Button } from '@mantine/core';
import { holdfast } from '../../api/holdfast.ts';
import { useCommand } from '../../api/use.command.tsx';
import { usePages } from '../../api/use.pages.ts';
import { ConfirmDialog } from '../../ui/confirm.dialog.tsx';
import { DataTable, type Column } from '../../ui/data.table.tsx';
import { EmptyState } from '../../ui/empty.state.tsx';
import { Fact, Facts } from '../../ui/facts.tsx';
import { Icon } from '../../ui/icon.tsx';
import { PageHeader } from '../../ui/page.header.tsx';
import { Moment, TimeAgo } from '../../ui/time.tsx';
import { NewKey } from './new.key.tsx';
import { SCOPE_WORDS, type ApiKey } from './scope.words.ts';
import classes from './keys.module.css';

const COLUMNS: Column<ApiKey>[] = [
  { id: 'name', label: 'Name', width: 'minmax(120px, 1.4fr)', render: ({ name }) => name },
  { id: 'prefix', label: 'Begins with', width: '130px', render: ({ prefix }) => <code>{prefix}</code> },
  { id: 'scopes', label: 'May', width: 'minmax(110px, 1fr)', render: ({ scopes }) => scopes.join(', ') },
  {
    id: 'lastUsedAt',
    label: 'Last used',
    width: '116px',
    align: 'end',
    render: ({ lastUsedAt }) => <LastUse at={lastUsedAt} />,
  },
  {
    id: 'expiresAt',
    label: 'Expires',
    width: '150px',
    align: 'end',
    render: ({ expiresAt }) => <Expiry at={expiresAt} />,
  },
  {
    id: 'createdAt',
    label: 'Made',
    width: '116px',
    align: 'end',
    isExtra: true,
    render: ({ createdAt }) => <TimeAgo at={createdAt} />,
  },
];

const LastUse = ({ at }: { at: string | null }) => (at === null ? <span>never</span> : <TimeAgo at={at} />);
const Expiry = ({ at }: { at: string | null }) => (at === null ? <span>never</span> : <Moment at={at} />);

/** Who else may call the API: one key for each program, with no more scopes than it needs. */
export function KeysView() {
  const rows = usePages('/api/v1/api-keys');
  const [isMaking, setIsMaking] = useState(false);
  const make = (
    <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setIsMaking(true)}>
      New key
    </Button>
  );
  return (
    <>
      <PageHeader title="API keys" about="One for each program, with no more scopes than it needs." actions={make} />
      <DataTable
        name="API keys"
        columns={COLUMNS}
        rows={rows}
        keyOf={({ id }) => id}
        panel={{ title: ({ name }) => name, render: (key, close) => <KeyDetail apiKey={key} onGone={close} /> }}
        empty={<NoKeys />}
      />
      {isMaking && <NewKey onClose={() => setIsMaking(false)} />}
    </>
  );
}

function KeyDetail({ apiKey, onGone }: { apiKey: ApiKey; onGone: () => void }) {
  const [isRevoking, setIsRevoking] = useState(false);
  const revoke = useCommand({
    run: async () => {
      await holdfast.DELETE('/api/v1/api-keys/{id}', { params: { path: { id: apiKey.id } } });
      onGone();
    },
    done: () => `Revoked ${apiKey.name}`,
    stale: ['/api/v1/api-keys'],
    showsRefusals: true,
  });
  return (
    <>
      <ul className={classes['scopes']}>
        {apiKey.scopes.map((scope) => (
          <li key={scope}>
            <b>{scope}</b>: {SCOPE_WORDS[scope]}
          </li>
        ))}
      </ul>
      <Facts>
        <Fact label="Begins with">
          <code>{apiKey.prefix}</code>
        </Fact>
        <Fact label="Made">
          <Moment at={apiKey.createdAt} />
        </Fact>
        <Fact label="Last used">
          <LastUse at={apiKey.lastUsedAt} />
        </Fact>
        <Fact label="Expires">
          <Expiry at={apiKey.expiresAt} />
        </Fact>
        <Fact label="In the ledger">
          <code>key:{apiKey.id}</code>
        </Fact>
      </Facts>
      <Button variant="default" onClick={() => setIsRevoking(true)}>
        Revoke
      </Button>
      {isRevoking && (
        <ConfirmDialog
          title={`Revoke ${apiKey.name}?`}
          verb="Revoke the key"
          isDangerous
          isPending={revoke.isPending}
          error={revoke.error}
          onConfirm={() => revoke.mutate()}
          onClose={() => setIsRevoking(false)}
        >
          <p>Whoever uses it is refused from now on, on every instance within a second. It cannot be brought back.</p>
        </ConfirmDialog>
      )}
    </>
  );
}

function NoKeys() {
  return (
    <EmptyState
      title="No API keys"
      icon="key"
      curl={{ method: 'POST', path: '/api/v1/api-keys', body: { name: 'web shop', scopes: ['reserve'] } }}
    >
      A program needs a key of its own to call the API. It is shown once, and kept only as a hash.
    </EmptyState>
  );
}
