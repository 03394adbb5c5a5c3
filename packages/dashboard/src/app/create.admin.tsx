import { PasswordInput, TextInput } from '@mantine/core';
import '@mantine/core/styles/PasswordInput.css';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { createFirstAdmin } from '../api/session.ts';
import { FormDialog } from '../ui/form.dialog.tsx';

/** Makes the first admin, and signs in as that. */
export function CreateAdmin({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [login, setLogin] = useState('');
  const [password, setPassword] = useState('');
  const create = useMutation({
    mutationFn: () => createFirstAdmin({ name: name.trim(), login: login.trim(), password }),
  });
  return (
    <FormDialog
      title="Create the admin"
      verb="Create and sign in"
      isPending={create.isPending}
      error={create.error}
      onSubmit={() => create.mutate()}
      onClose={onClose}
    >
      <p>From then on everybody signs in, programs by an API key. You are signed in at once.</p>
      <TextInput
        label="Name"
        name="name"
        description="As the ledger shows who did what"
        required
        maxLength={200}
        autoComplete="name"
        value={name}
        data-autofocus
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <TextInput
        label="Name or e-mail address to sign in with"
        name="login"
        required
        maxLength={200}
        autoComplete="username"
        autoCapitalize="none"
        value={login}
        onChange={(event) => setLogin(event.currentTarget.value)}
      />
      <PasswordInput
        label="Password"
        name="password"
        description="At least 12 characters; a few words are easier to remember"
        required
        autoComplete="new-password"
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
      />
    </FormDialog>
  );
}
