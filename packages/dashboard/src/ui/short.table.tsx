import type { ReactNode } from 'react';
import classes from './short.table.module.css';

/** Rows that are read at a glance, in a panel or between texts; what is a list is a `DataTable`. Cells of numbers have `data-number`. */
export function ShortTable({ caption, children }: { caption?: string; children: ReactNode }) {
  return (
    <table className={classes['table']}>
      {caption !== undefined && <caption className={classes['caption']}>{caption}</caption>}
      {children}
    </table>
  );
}
