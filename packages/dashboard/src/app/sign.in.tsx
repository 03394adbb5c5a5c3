import { Button, PasswordInput, SegmentedControl, TextInput } from '@mantine/core';
import '@mantine/core/styles/PasswordInput.css';
import { useMutation } from '@tanstack/react-query';
import { useEffect, useLayoutEffect, useRef, useState, type SubmitEvent } from 'react';
import { HoldfastError } from '@holdfast/client';
import { connectionStore } from '../api/connection.store.ts';
import { signInAsPerson, signInWithKey } from '../api/session.ts';
import { Icon } from '../ui/icon.tsx';
import { ProblemNotice } from '../ui/problem.notice.tsx';
import { Brand } from './brand.tsx';
import { useStore } from './store.ts';
import { ThemeButton } from './theme.button.tsx';
import classes from './sign.in.module.css';

type Way = 'person' | 'key';

export function SignIn() {
  return (
    <main className={classes['page']}>
      <title>Sign in · Holdfast</title>
      <SignInForm />
    </main>
  );
}

/** Over the page of who was here, which waits as it is: nothing of it can be seen or reached until they are back. */
export function SignInAgain() {
  const dialog = useRef<HTMLDialogElement>(null);
  // What is modal to the browser is so over the dialogs of the page, too.
  useLayoutEffect(() => dialog.current?.showModal(), []);
  return (
    // What it hears is for its own keys and focus.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <dialog
      ref={dialog}
      aria-modal="true"
      aria-labelledby="sign-in"
      className={`${classes['page']} ${classes['over']}`}
      onCancel={(event) => event.preventDefault()}
      // A browser lets Esc close it all the same, the second time.
      onClose={(event) => event.currentTarget.showModal()}
      // Mantine's dialogs below hear Esc before it comes here, unless what has the focus says so.
      onFocus={(event) => event.target.setAttribute('data-mantine-stop-propagation', 'true')}
    >
      <SignInForm reason="Your session has ended, or your key was revoked. Sign in again, and go on where you were." />
    </dialog>
  );
}

function SignInForm({ reason = null }: { reason?: string | null }) {
  const [way, setWay] = useState<Way>('person');
  const [login, setLogin] = useState('');
  const [secret, setSecret] = useState('');
  const signIn = useMutation({
    mutationFn: () => (way === 'key' ? signInWithKey(secret) : signInAsPerson(login, secret)),
    // One that was never looked at is still there to be sent again.
    onError: (error) => {
      if (isRefusal(error)) setSecret('');
    },
  });
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), [way]);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    signIn.mutate();
  };
  return (
    <>
      <Away />
      <form className={classes['form']} onSubmit={submit}>
        <div className={classes['head']}>
          <Brand />
          <ThemeButton />
        </div>
        <h1 id="sign-in" className={classes['title']}>
          Sign in
        </h1>
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
            ref={first}
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
          {...(way === 'key' ? { ref: first } : {})}
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
    </>
  );
}

function SignInProblem({ error, way }: { error: unknown; way: Way }) {
  if (!isRefusal(error)) return <ProblemNotice error={error} />;
  return (
    <p role="alert" className={classes['refused']}>
      {way === 'key'
        ? 'This key opens nothing: it may have been revoked, or a part of it is missing.'
        : 'This name and password do not belong together.'}
    </p>
  );
}

function isRefusal(error: unknown): boolean {
  return error instanceof HoldfastError && error.status === 401;
}

/** Why nobody can sign in just now, before they try. */
function Away() {
  const { isHere, unreadyBecause } = useStore(connectionStore);
  const why = isHere ? unreadyBecause : 'The server does not answer.';
  return (
    <div role="status" className={classes['away']}>
      {why !== null && (
        <p>
          <Icon name="warn" size={16} /> <strong>{why}</strong> Until it does nobody can sign in. It is tried again
          every few seconds; this goes away by itself.
        </p>
      )}
    </div>
  );
}
