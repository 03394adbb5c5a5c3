import { Button, Modal } from '@mantine/core';
import type { ReactNode, SubmitEvent } from 'react';
import { ProblemNotice } from './problem.notice.tsx';
import { useRefusedFields } from './refused.fields.ts';
import classes from './dialog.module.css';

interface DialogFormProps {
  /** The fields. */
  children: ReactNode;
  /** The verb: `Make the key`. */
  verb?: string;
  isPending: boolean;
  /** Nothing can be sent yet. */
  isDisabled?: boolean;
  error: unknown;
  /** More buttons, before those of every form. */
  beside?: ReactNode;
  onSubmit: () => void;
  onClose: () => void;
}

interface FormDialogProps extends DialogFormProps {
  title: string;
  size?: 'md' | 'lg';
}

/** A form over the page: its fields, why it was refused, and the buttons. A click beside it takes nothing of it away. */
export function FormDialog({ title, size = 'md', ...form }: FormDialogProps) {
  return (
    <Modal opened onClose={form.onClose} size={size} title={title} closeOnClickOutside={false}>
      <DialogForm {...form} />
    </Modal>
  );
}

/** The form alone, where the dialog around it first waits for an answer. */
export function DialogForm(props: DialogFormProps) {
  const { children, verb = 'Save', isPending, isDisabled = false, error, beside, onSubmit, onClose } = props;
  const form = useRefusedFields(error);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    onSubmit();
  };
  return (
    <form ref={form} onSubmit={submit} className={classes['form']}>
      {children}
      {error != null && <ProblemNotice error={error} />}
      <div className={classes['buttons']}>
        {beside}
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button type="submit" loading={isPending} disabled={isDisabled}>
          {verb}
        </Button>
      </div>
    </form>
  );
}
