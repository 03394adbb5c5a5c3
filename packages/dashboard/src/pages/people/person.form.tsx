import { useState } from 'react';
import { Checkbox, PasswordInput, TextInput } from '@mantine/core';
import '@mantine/core/styles/PasswordInput.css';
import { holdfast } from '../../api/holdfast.ts';
import { useCommand } from '../../api/use.command.tsx';
import { Choices } from '../../ui/fields.tsx';
import { FormDialog } from '../../ui/form.dialog.tsx';
import type { Person } from './person.words.ts';

type Scope = Person['scopes'][number];

/** What people need; the others are for programs. */
const SCOPES: readonly { value: Scope; label: string; description: string }[] = [
  { value: 'read', label: 'read', description: 'See everything but keys and people' },
  { value: 'reserve', label: 'reserve', description: 'Reserve, confirm, ship and cancel; and read' },
  { value: 'stock', label: 'stock', description: 'Adjust, transfer, set levels, acknowledge alerts; and read' },
  { value: 'admin', label: 'admin', description: 'Everything' },
];

/** Somebody new, or the one that is given, edited. */
export function PersonForm({ person: latest, onClose }: { person?: Person; onClose: () => void }) {
  // As it was when the form was opened: what somebody else changed since is refused, and not written over.
  const [person] = useState(latest);
  const [name, setName] = useState(person?.name ?? '');
  const [login, setLogin] = useState(person?.login ?? '');
  const [scopes, setScopes] = useState<string[]>(person?.scopes ?? ['read']);
  const [password, setPassword] = useState('');
  const save = useCommand({
    run: async () => {
      const body = { name: name.trim(), login: login.trim(), scopes: scopes as Scope[] };
      if (person === undefined) await holdfast.POST('/api/v1/people', { body: { ...body, password } });
      else {
        await holdfast.PATCH('/api/v1/people/{id}', {
          params: { path: { id: person.id }, header: { 'If-Match': `"${person.version}"` } },
          body,
        });
      }
      onClose();
    },
    done: () => (person === undefined ? `${name.trim()} may sign in` : `Saved ${name.trim()}`),
    stale: ['/api/v1/people', '/api/v1/people/{id}'],
    showsRefusals: true,
  });
  return (
    <FormDialog
      title={person === undefined ? 'New person' : `Edit ${person.name}`}
      isDisabled={scopes.length === 0}
      isPending={save.isPending}
      error={save.error}
      onSubmit={() => save.mutate()}
      onClose={onClose}
    >
      <TextInput
        label="Name"
        name="name"
        description="As ledger and audit show it."
        required
        maxLength={200}
        data-autofocus
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <TextInput
        label="Signs in as"
        name="login"
        description="An e-mail address or a name."
        required
        maxLength={200}
        autoCapitalize="none"
        autoComplete="off"
        value={login}
        onChange={(event) => setLogin(event.currentTarget.value)}
      />
      {person === undefined && (
        <PasswordInput
          label="First password"
          name="password"
          description="At least 12 characters. They can set their own in Settings."
          required
          autoComplete="new-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
      )}
      <Checkbox.Group label="They may" data-field="scopes" value={scopes} onChange={setScopes}>
        <Choices>
          {SCOPES.map((scope) => (
            <Checkbox key={scope.value} {...scope} />
          ))}
        </Choices>
      </Checkbox.Group>
    </FormDialog>
  );
}
