import type { ReactNode } from 'react';
import { Icon, type IconName } from './icon.tsx';
import classes from './state.word.module.css';

/** `plain` is in the colour of the text around it. */
export type Tone = 'plain' | 'quiet' | 'good' | 'accent' | 'warn' | 'bad';

interface StateWordProps {
  icon: IconName;
  tone: Tone;
  title?: string;
  children: ReactNode;
}

/** How something stands: a word and a shape; the colour only goes with them. */
export function StateWord({ icon, tone, title, children }: StateWordProps) {
  return (
    <span className={classes['state']} data-tone={tone} title={title}>
      <Icon name={icon} size={16} /> {children}
    </span>
  );
}
