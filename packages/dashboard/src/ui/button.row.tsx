import type { ReactNode } from 'react';
import classes from './button.row.module.css';

/** What can be done, side by side; on a narrow page below each other. */
export function ButtonRow({ children }: { children: ReactNode }) {
  return <div className={classes['row']}>{children}</div>;
}
