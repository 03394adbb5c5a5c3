import { Icon } from './icon.tsx';
import { STATUS_WORDS, type Alert } from './alert.words.ts';
import classes from './alert.state.module.css';

const SHAPES = { active: 'warn', acknowledged: 'person', resolved: 'check' } as const;

/** An alert's status: a word and a shape. */
export function AlertState({ alert: { status } }: { alert: Pick<Alert, 'status'> }) {
  return (
    <span className={classes['state']} data-status={status}>
      <Icon name={SHAPES[status]} size={16} /> {STATUS_WORDS[status]}
    </span>
  );
}
