import { StateWord } from '../../ui/state.word.tsx';
import type { Location } from './location.words.ts';

/** Whether it takes new reservations: a word and a shape. */
export function ActiveState({ location: { active, archivedAt } }: { location: Location }) {
  const [word, icon] =
    archivedAt !== null
      ? (['Archived', 'close'] as const)
      : active
        ? (['Active', 'check'] as const)
        : (['Inactive', 'minus'] as const);
  return (
    <StateWord icon={icon} tone={word === 'Active' ? 'plain' : 'quiet'}>
      {word}
    </StateWord>
  );
}
