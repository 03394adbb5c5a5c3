import { Icon } from '../../ui/icon.tsx';
import type { Location } from './location.words.ts';
import classes from './locations.module.css';

/** Whether it takes new reservations: a word and a shape. */
export function ActiveState({ location: { active, archivedAt } }: { location: Location }) {
  const [word, icon] =
    archivedAt !== null
      ? (['Archived', 'close'] as const)
      : active
        ? (['Active', 'check'] as const)
        : (['Inactive', 'minus'] as const);
  return (
    <span className={classes['state']} data-quiet={word !== 'Active' || undefined}>
      <Icon name={icon} size={16} /> {word}
    </span>
  );
}
