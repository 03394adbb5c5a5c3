import { useState } from 'react';
import { Checkbox, TextInput } from '@mantine/core';
import { holdfast } from '../../api/holdfast.ts';
import { useCommand } from '../../api/use.command.tsx';
import { CopyLine } from '../../ui/copy.line.tsx';
import { Choices } from '../../ui/fields.tsx';
import { FormDialog } from '../../ui/form.dialog.tsx';
import { ShownOnce } from '../../ui/shown.once.tsx';
import { SCOPE_WORDS, type KeyScope } from './scope.words.ts';

const SCOPES = Object.keys(SCOPE_WORDS) as KeyScope[];

/** Makes a key, and shows it this once. */
export function NewKey({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<string[]>(['read']);
  const [expires, setExpires] = useState('');
  const make = useCommand({
    run: async () => {
      const { data } = await holdfast.POST('/api/v1/api-keys', {
        body: {
          name: name.trim(),
          scopes: scopes as KeyScope[],
          expiresAt: expires === '' ? null : new Date(`${expires}T00:00:00`).toISOString(),
        },
      });
      return data;
    },
    // A repeat after a lost answer is answered without the secret.
    done: (answer) => {
      if (answer?.key != null) return null;
      onClose();
      return `${name.trim()} was made, but its key was lost on its way: revoke it, and make another`;
    },
    stale: ['/api/v1/api-keys'],
    showsRefusals: true,
  });
  const made = make.data?.key ?? null;
  if (made !== null) {
    return (
      <ShownOnce title="Copy the key now" onClose={onClose}>
        <p>It is not shown again: only a hash of it is kept.</p>
        <CopyLine text={made} label="Copy the key" />
        <p>A first call with it:</p>
        <CopyLine text={`curl -H 'Authorization: Bearer ${made}' ${location.origin}/api/v1/summary`} />
      </ShownOnce>
    );
  }
  return (
    <FormDialog
      title="New API key"
      verb="Make the key"
      isDisabled={name.trim() === '' || scopes.length === 0}
      isPending={make.isPending}
      error={make.error}
      onSubmit={() => make.mutate()}
      onClose={onClose}
    >
      <TextInput
        label="Name"
        name="name"
        description="Of the program that will use it."
        required
        maxLength={200}
        data-autofocus
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Checkbox.Group label="It may" data-field="scopes" value={scopes} onChange={setScopes}>
        <Choices>
          {SCOPES.map((scope) => (
            <Checkbox key={scope} value={scope} label={scope} description={SCOPE_WORDS[scope]} />
          ))}
        </Choices>
      </Checkbox.Group>
      <TextInput
        type="date"
        label="Expires on"
        name="expiresAt"
        description="None: it does not."
        value={expires}
        onChange={(event) => setExpires(event.currentTarget.value)}
      />
    </FormDialog>
  );
}
