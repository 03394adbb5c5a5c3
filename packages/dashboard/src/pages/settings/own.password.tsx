import { useState, type SubmitEvent } from 'react';
import { Button, PasswordInput } from '@mantine/core';
import '@mantine/core/styles/PasswordInput.css';
import { holdfast } from '../../api/holdfast.ts';
import { useCommand } from '../../api/use.command.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { useRefusedFields } from '../../ui/refused.fields.ts';
import classes from './settings.module.css';

/** Changes one's own password: all other sessions end. */
export function OwnPassword({ personId }: { personId: string }) {
  const [currentPassword, setCurrent] = useState('');
  const [password, setPassword] = useState('');
  const save = useCommand({
    run: async () => {
      await holdfast.POST('/api/v1/people/{id}/password', {
        params: { path: { id: personId } },
        body: { currentPassword, password },
      });
      setCurrent('');
      setPassword('');
    },
    done: () => 'Your password is changed; you are signed out everywhere else',
    stale: ['/api/v1/sessions'],
    showsRefusals: true,
  });
  const form = useRefusedFields(save.error);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <section aria-labelledby="own-password">
      <h2 id="own-password" className={classes['heading']}>
        Your password
      </h2>
      <form ref={form} onSubmit={submit} className={classes['form']}>
        <PasswordInput
          label="Present password"
          name="currentPassword"
          required
          autoComplete="current-password"
          value={currentPassword}
          onChange={(event) => setCurrent(event.currentTarget.value)}
        />
        <PasswordInput
          label="New password"
          name="password"
          description="At least 12 characters; a few words are easier to remember."
          required
          autoComplete="new-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        {save.isError && <ProblemNotice error={save.error} />}
        <Button type="submit" loading={save.isPending}>
          Change it
        </Button>
      </form>
    </section>
  );
}
