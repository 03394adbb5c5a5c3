import { Num } from '../../ui/num.tsx';
import classes from './ledger.module.css';

/** A change: with its sign, and quiet where there is none. */
export function Delta({ of }: { of: number }) {
  if (of === 0) return <span className={classes['none']}>0</span>;
  return (
    <span className={classes['delta']}>
      <Num value={of} signed />
    </span>
  );
}
