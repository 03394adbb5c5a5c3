import type { ReactNode } from 'react';
import classes from './fields.module.css';

/** Fields of a form below each other, in a part of it. */
export function Fields({ children }: { children: ReactNode }) {
  return <div className={classes['fields']}>{children}</div>;
}

/** What can be chosen, below the label of its group. */
export function Choices({ children }: { children: ReactNode }) {
  return <div className={classes['choices']}>{children}</div>;
}
