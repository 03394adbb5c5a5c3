import { Button, Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './dialog.module.css';

/** A secret, this once: neither a click beside it nor Esc closes it. */
export function ShownOnce({ title, children, onClose }: { title: string; children: ReactNode; onClose: () => void }) {
  return (
    <Modal opened onClose={onClose} title={title} closeOnClickOutside={false} closeOnEscape={false}>
      <div className={`${classes['form']} ${classes['text']}`}>
        {children}
        <div className={classes['buttons']}>
          <Button onClick={onClose}>I have it</Button>
        </div>
      </div>
    </Modal>
  );
}
