import type { ReactNode } from 'react';
import classes from './facts.module.css';

/** What is known of one thing: a label and its value on each line. */
export function Facts({ children }: { children: ReactNode }) {
  return <dl className={classes['facts']}>{children}</dl>;
}

/** One line of them. Where its value is null it is not shown. */
export function Fact({ label, children }: { label: string; children: ReactNode }) {
  if (children === null) return null;
  return (
    <>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </>
  );
}
