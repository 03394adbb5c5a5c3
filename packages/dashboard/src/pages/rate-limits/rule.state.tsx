import { StateWord } from '../../ui/state.word.tsx';
import { useNow } from '../../ui/use.now.ts';
import { STATE_WORDS, stateOf, type RateLimit } from './rate-limit.words.ts';

const SHAPES = { on: 'check', shadow: 'moon', off: 'minus', waiting: 'clock', over: 'close' } as const;
const TONES = { on: 'good', shadow: 'accent', off: 'quiet', waiting: 'quiet', over: 'quiet' } as const;
const A_MINUTE_MS = 60_000;

/** What a rule does now: a word and a shape. */
export function RuleState({ rule }: { rule: Pick<RateLimit, 'enabled' | 'mode' | 'schedule'> }) {
  const state = stateOf(rule, useNow(A_MINUTE_MS));
  return (
    <StateWord icon={SHAPES[state]} tone={TONES[state]}>
      {STATE_WORDS[state]}
    </StateWord>
  );
}
