import { useState } from 'react';
import { PasswordInput } from '@mantine/core';
import '@mantine/core/styles/PasswordInput.css';
import { holdfast } from '../../api/holdfast.ts';
import { useCommand } from '../../api/use.command.tsx';
import { FormDialog } from '../../ui/form.dialog.tsx';
import type { Person } from './person.words.ts';

/** Sets another's password: all of that person's sessions end. */
export function PasswordForm({ person, onClose }: { person: Person; onClose: () => void }) {
  const [password, setPassword] = useState('');
  const save = useCommand({
    run: async () => {
      await holdfast.POST('/api/v1/people/{id}/password', { params: { path: { id: person.id } }, body: { password } });
      onClose();
    },
    done: () => `${person.name} has a new password, and is signed out everywhere`,
    showsRefusals: true,
  });
  return (
    <FormDialog
      title={`Set the password of ${person.name}`}
      verb="Set it"
      isPending={save.isPending}
      error={save.error}
      onSubmit={() => save.mutate()}
      onClose={onClose}
    >
      <PasswordInput
        label="New password"
        name="password"
        description="At least 12 characters; a few words are easier to remember."
        required
        autoComplete="new-password"
        data-autofocus
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
      />
    </FormDialog>
  );
}
