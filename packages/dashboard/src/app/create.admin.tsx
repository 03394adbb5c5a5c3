import { Button, Modal, PasswordInput, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState, type SubmitEvent } from 'react';
import { createFirstAdmin } from '../api/session.ts';
import { ProblemNotice } from '../ui/problem.notice.tsx';
import classes from './first.run.module.css';

/** Makes the first admin, and signs in as that. */
export function CreateAdmin({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [login, setLogin] = useState('');
  const [password, setPassword] = useState('');
  const create = useMutation({
    mutationFn: () => createFirstAdmin({ name: name.trim(), login: login.trim(), password }),
  });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <Modal opened onClose={onClose} title="Create the admin">
      <form onSubmit={submit} className={classes['form']}>
        <p>From then on everybody signs in, programs by an API key. You are signed in at once.</p>
        <TextInput
          label="Name"
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
          required
          maxLength={200}
          autoComplete="username"
          autoCapitalize="none"
          value={login}
          onChange={(event) => setLogin(event.currentTarget.value)}
        />
        <PasswordInput
          label="Password"
          description="At least 12 characters; a few words are easier to remember"
          required
          autoComplete="new-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        {create.isError && <ProblemNotice error={create.error} />}
        <div className={classes['end']}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={create.isPending}>
            Create and sign in
          </Button>
        </div>
      </form>
    </Modal>
  );
}
