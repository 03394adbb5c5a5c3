import { Button, Modal, TextInput } from '@mantine/core';
import { useState, type ReactNode, type SubmitEvent } from 'react';
import { ProblemNotice } from './problem.notice.tsx';
import { useRefusedFields } from './refused.fields.ts';
import classes from './dialog.module.css';

interface ConfirmDialogProps {
  title: string;
  /** What will happen, and what cannot be taken back. */
  children: ReactNode;
  /** The verb: `Archive the product`. */
  verb: string;
  isDangerous?: boolean;
  /** What must be typed first, where it cannot be undone. */
  typeToConfirm?: string;
  isPending?: boolean;
  error?: unknown;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before what cannot be taken back. What can is done at once, and offers Undo. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const {
    title,
    children,
    verb,
    isDangerous = false,
    typeToConfirm,
    isPending = false,
    error,
    onConfirm,
    onClose,
  } = props;
  const [typed, setTyped] = useState('');
  const form = useRefusedFields(error);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    onConfirm();
  };
  return (
    <Modal opened onClose={onClose} title={title}>
      <form ref={form} onSubmit={submit} className={classes['form']}>
        <div className={classes['text']}>{children}</div>
        {typeToConfirm !== undefined && (
          <TextInput
            label={`Type ${typeToConfirm} to go on`}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
        )}
        {error != null && <ProblemNotice error={error} />}
        <div className={classes['buttons']}>
          <Button variant="default" onClick={onClose}>
            Leave it
          </Button>
          <Button
            type="submit"
            {...(isDangerous ? { color: 'red' } : {})}
            loading={isPending}
            disabled={typeToConfirm !== undefined && typed !== typeToConfirm}
            data-autofocus={typeToConfirm === undefined || undefined}
          >
            {verb}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
