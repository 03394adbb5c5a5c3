import { Button, PasswordInput, SegmentedControl, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState, type SubmitEvent } from 'react';
import { HoldfastError } from '@holdfast/client';
import { signInAsPerson, signInWithKey } from '../api/session.ts';
import { ProblemNotice } from '../ui/problem.notice.tsx';
import { Brand } from './brand.tsx';
import { ThemeButton } from './theme.button.tsx';
import classes from './sign.in.module.css';

type Way = 'person' | 'key';

export function SignIn({ reason }: { reason: string | null }) {
  const [way, setWay] = useState<Way>('person');
  const [login, setLogin] = useState('');
  const [secret, setSecret] = useState('');
  const signIn = useMutation({
    mutationFn: () => (way === 'key' ? signInWithKey(secret) : signInAsPerson(login, secret)),
    onError: () => setSecret(''),
  });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    signIn.mutate();
  };
  return (
    <main className={classes['page']}>
      <title>Sign in · Holdfast</title>
      <form className={classes['form']} onSubmit={submit}>
        <div className={classes['head']}>
          <Brand />
          <ThemeButton />
        </div>
        <h1 className={classes['title']}>Sign in</h1>
        {reason !== null && <p role="status">{reason}</p>}
        <SegmentedControl
          fullWidth
          aria-label="Sign in with"
          value={way}
          onChange={(next) => {
            setWay(next);
            setSecret('');
            signIn.reset();
          }}
          data={[
            { value: 'person', label: 'Name and password' },
            { value: 'key', label: 'API key' },
          ]}
        />
        {way === 'person' && (
          <TextInput
            size="sm"
            label="Name or e-mail address"
            autoComplete="username"
            autoCapitalize="none"
            required
            value={login}
            onChange={(event) => setLogin(event.currentTarget.value)}
          />
        )}
        <PasswordInput
          size="sm"
          label={way === 'key' ? 'API key' : 'Password'}
          {...(way === 'key' ? { placeholder: 'hf_…' } : {})}
          autoComplete={way === 'key' ? 'off' : 'current-password'}
          required
          value={secret}
          onChange={(event) => setSecret(event.currentTarget.value)}
        />
        {signIn.isError && <SignInProblem error={signIn.error} way={way} />}
        <Button type="submit" size="sm" loading={signIn.isPending}>
          Sign in
        </Button>
        <p className={classes['note']}>
          {way === 'key'
            ? 'The key stays in this tab and is gone when it closes.'
            : 'An admin makes people under People and keys under API keys, or with: holdfast keys create.'}
        </p>
      </form>
    </main>
  );
}

function SignInProblem({ error, way }: { error: unknown; way: Way }) {
  if (!(error instanceof HoldfastError) || error.status !== 401) return <ProblemNotice error={error} />;
  return (
    <p role="alert" className={classes['refused']}>
      {way === 'key'
        ? 'This key opens nothing: it may have been revoked, or a part of it is missing.'
        : 'This name and password do not belong together.'}
    </p>
  );
}
