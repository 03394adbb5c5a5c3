import { STATUS_WORDS, type Alert } from './alert.words.ts';
import { StateWord } from './state.word.tsx';

const SHAPES = { active: 'warn', acknowledged: 'person', resolved: 'check' } as const;
const TONES = { active: 'warn', acknowledged: 'plain', resolved: 'quiet' } as const;

/** An alert's status: a word and a shape. */
export function AlertState({ alert: { status } }: { alert: Pick<Alert, 'status'> }) {
  return (
    <StateWord icon={SHAPES[status]} tone={TONES[status]}>
      {STATUS_WORDS[status]}
    </StateWord>
  );
}
