import { useState } from 'react';
import { Button, Skeleton } from '@mantine/core';
import { holdfast } from '../../api/holdfast.ts';
import { useGet } from '../../api/queries.ts';
import { useCommand } from '../../api/use.command.tsx';
import { usePages } from '../../api/use.pages.ts';
import { ButtonRow } from '../../ui/button.row.tsx';
import { ConfirmDialog } from '../../ui/confirm.dialog.tsx';
import { DataTable, type Column } from '../../ui/data.table.tsx';
import { EmptyState } from '../../ui/empty.state.tsx';
import { Fact, Facts } from '../../ui/facts.tsx';
import { Icon } from '../../ui/icon.tsx';
import { PageHeader } from '../../ui/page.header.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { StateWord } from '../../ui/state.word.tsx';
import { Moment, TimeAgo } from '../../ui/time.tsx';
import { PasswordForm } from './password.form.tsx';
import { PersonForm } from './person.form.tsx';
import type { Person } from './person.words.ts';

const STALE = ['/api/v1/people', '/api/v1/people/{id}'] as const;

const COLUMNS: Column<Person>[] = [
  { id: 'name', label: 'Name', width: 'minmax(120px, 1.2fr)', render: ({ name }) => name },
  { id: 'login', label: 'Signs in as', width: 'minmax(120px, 1.2fr)', render: ({ login }) => login },
  { id: 'scopes', label: 'May', width: 'minmax(100px, 1fr)', render: ({ scopes }) => scopes.join(', ') },
  { id: 'state', label: 'State', width: '110px', render: (person) => <PersonState person={person} /> },
  {
    id: 'lastSignInAt',
    label: 'Last here',
    width: '116px',
    align: 'end',
    render: ({ lastSignInAt }) => (lastSignInAt === null ? 'never' : <TimeAgo at={lastSignInAt} />),
  },
];

function PersonState({ person: { disabledAt } }: { person: Person }) {
  return disabledAt === null ? (
    <StateWord icon="check" tone="plain">
      Active
    </StateWord>
  ) : (
    <StateWord icon="minus" tone="quiet">
      Disabled
    </StateWord>
  );
}

/** Who signs in to this dashboard, and what they may do. */
export function PeopleView() {
  const rows = usePages('/api/v1/people');
  const [isAdding, setIsAdding] = useState(false);
  return (
    <>
      <PageHeader
        title="People"
        about="Who signs in by a password. Programs have API keys."
        actions={
          <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setIsAdding(true)}>
            New person
          </Button>
        }
      />
      <DataTable
        name="People"
        columns={COLUMNS}
        rows={rows}
        keyOf={({ id }) => id}
        panel={{ title: ({ name }) => name, render: ({ id }, close) => <PersonDetail id={id} onGone={close} /> }}
        empty={
          <EmptyState title="Nobody signs in here" icon="person">
            The first person is the admin. From then on everybody signs in, and programs need an API key.
          </EmptyState>
        }
      />
      {isAdding && <PersonForm onClose={() => setIsAdding(false)} />}
    </>
  );
}

function PersonDetail({ id, onGone }: { id: string; onGone: () => void }) {
  const { data, error, refetch } = useGet('/api/v1/people/{id}', { path: { id } });
  const [asked, setAsked] = useState<'edit' | 'password' | 'remove' | null>(null);
  const setDisabled = (disabled: boolean) =>
    holdfast.PATCH('/api/v1/people/{id}', { params: { path: { id } }, body: { disabled } });
  const isDisabled = data?.disabledAt != null;
  const toggle = useCommand({
    run: () => setDisabled(!isDisabled),
    done: () => (isDisabled ? `${data?.name ?? ''} may sign in again` : `${data?.name ?? ''} is signed out everywhere`),
    undo: () => () => setDisabled(isDisabled),
    stale: STALE,
  });
  if (error !== null && data === undefined) return <ProblemNotice error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Skeleton height={200} />;
  const close = (): void => setAsked(null);
  return (
    <>
      <Facts>
        <Fact label="Signs in as">{data.login}</Fact>
        <Fact label="May">{data.scopes.join(', ')}</Fact>
        <Fact label="State">
          <PersonState person={data} />
        </Fact>
        <Fact label="Made">
          <Moment at={data.createdAt} />
        </Fact>
        <Fact label="Last here">
          <Moment at={data.lastSignInAt} />
        </Fact>
        <Fact label="In the ledger">
          <code>user:{data.id}</code>
        </Fact>
      </Facts>
      <ButtonRow>
        <Button onClick={() => setAsked('edit')}>Edit</Button>
        <Button variant="default" onClick={() => setAsked('password')}>
          Set a password
        </Button>
        <Button variant="default" loading={toggle.isPending} onClick={() => toggle.mutate()}>
          {isDisabled ? 'Enable' : 'Disable'}
        </Button>
        <Button variant="default" onClick={() => setAsked('remove')}>
          Remove
        </Button>
      </ButtonRow>
      {asked === 'edit' && <PersonForm person={data} onClose={close} />}
      {asked === 'password' && <PasswordForm person={data} onClose={close} />}
      {asked === 'remove' && <RemoveDialog person={data} onGone={onGone} onClose={close} />}
    </>
  );
}

function RemoveDialog({ person, onGone, onClose }: { person: Person; onGone: () => void; onClose: () => void }) {
  const remove = useCommand({
    run: async () => {
      await holdfast.DELETE('/api/v1/people/{id}', { params: { path: { id: person.id } } });
      onGone();
    },
    done: () => `Removed ${person.name}`,
    stale: STALE,
    showsRefusals: true,
  });
  return (
    <ConfirmDialog
      title={`Remove ${person.name}?`}
      verb="Remove the person"
      isDangerous
      isPending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <p>
        Password and sessions are deleted. The name stays in the ledger and the audit. To shut somebody out for a while,
        disable them.
      </p>
    </ConfirmDialog>
  );
}
