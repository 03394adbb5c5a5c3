import { useState, type SubmitEvent } from 'react';
import { Button, Checkbox, Modal, TextInput } from '@mantine/core';
import { holdfast } from '../../api/holdfast.ts';
import { useCommand } from '../../api/use.command.tsx';
import { CopyLine } from '../../ui/copy.line.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { SCOPE_WORDS, type KeyScope } from './scope.words.ts';
import classes from './keys.module.css';

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
    stale: ['/api/v1/api-keys'],
    showsRefusals: true,
  });
  const made = make.data?.key ?? null;
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    make.mutate();
  };
  if (made !== null) {
    return (
      <Modal opened onClose={onClose} title="Copy the key now" closeOnClickOutside={false}>
        <div className={classes['form']}>
          <p className={classes['said']}>It is not shown again: only a hash of it is kept.</p>
          <CopyLine text={made} label="Copy the key" />
          <p className={classes['said']}>A first call with it:</p>
          <CopyLine text={`curl -H 'Authorization: Bearer ${made}' ${location.origin}/api/v1/summary`} />
          <div className={classes['buttons']}>
            <Button onClick={onClose}>I have it</Button>
          </div>
        </div>
      </Modal>
    );
  }
  return (
    <Modal opened onClose={onClose} title="New API key">
      <form onSubmit={submit} className={classes['form']}>
        <TextInput
          label="Name"
          description="Of the program that will use it."
          required
          maxLength={200}
          data-autofocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Checkbox.Group label="It may" value={scopes} onChange={setScopes}>
          <div className={classes['choices']}>
            {SCOPES.map((scope) => (
              <Checkbox key={scope} value={scope} label={scope} description={SCOPE_WORDS[scope]} />
            ))}
          </div>
        </Checkbox.Group>
        <TextInput
          type="date"
          label="Expires on"
          description="None: it does not."
          value={expires}
          onChange={(event) => setExpires(event.currentTarget.value)}
        />
        {make.isError && <ProblemNotice error={make.error} />}
        <div className={classes['buttons']}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={make.isPending} disabled={name.trim() === '' || scopes.length === 0}>
            Make the key
          </Button>
        </div>
      </form>
    </Modal>
  );
}
