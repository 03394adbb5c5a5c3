import { useState, type SubmitEvent } from 'react';
import { Button, Modal, PasswordInput } from '@mantine/core';
import { holdfast } from '../../api/holdfast.ts';
import { useCommand } from '../../api/use.command.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import type { Person } from './person.words.ts';
import classes from './people.module.css';

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
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Modal opened onClose={onClose} title={`Set the password of ${person.name}`}>
      <form onSubmit={submit} className={classes['form']}>
        <PasswordInput
          label="New password"
          description="At least 12 characters; a few words are easier to remember."
          required
          autoComplete="new-password"
          data-autofocus
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        {save.isError && <ProblemNotice error={save.error} />}
        <div className={classes['buttons']}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={save.isPending}>
            Set it
          </Button>
        </div>
      </form>
    </Modal>
  );
}
