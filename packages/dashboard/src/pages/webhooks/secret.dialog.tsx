import { Button, Modal } from '@mantine/core';
import { CopyLine } from '../../ui/copy.line.tsx';
import classes from './webhooks.module.css';

/** A secret, this once. */
export function SecretDialog({ secret, onClose }: { secret: string; onClose: () => void }) {
  return (
    <Modal opened onClose={onClose} title="Copy the secret now" closeOnClickOutside={false}>
      <div className={classes['form']}>
        <p className={classes['said']}>
          The receiver checks by it that a request comes from here. It is not shown again; you can make a new one.
        </p>
        <CopyLine text={secret} label="Copy the secret" />
        <div className={classes['buttons']}>
          <Button onClick={onClose}>I have it</Button>
        </div>
      </div>
    </Modal>
  );
}
