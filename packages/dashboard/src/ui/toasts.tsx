import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { Icon } from './icon.tsx';
import { describeProblem, ProblemNotice } from './problem.notice.tsx';
import classes from './toasts.module.css';

/** Long enough to see that it was wrong, and to take it back. */
const UNDO_WITHIN_MS = 12_000;
const REFUSED_FOR_MS = 15_000;

/** Says what was done, and offers to take it back. */
export function showDone(text: string, undo?: () => Promise<unknown>): void {
  if (undo === undefined) {
    notifications.show({ message: <span className={classes['text']}>{text}</span>, icon: <Icon name="check" /> });
    return;
  }
  let isAsked = false;
  const id = notifications.show({
    icon: <Icon name="check" />,
    autoClose: UNDO_WITHIN_MS,
    message: (
      <div className={classes['done']}>
        <span className={classes['text']}>{text}</span>
        <Button
          variant="default"
          size="compact-xs"
          leftSection={<Icon name="undo" size={14} />}
          onClick={() => {
            // The notice is there until it has faded out, long enough for the second click of a double one.
            if (isAsked) return;
            isAsked = true;
            notifications.hide(id);
            undo().then(() => showDone(`Taken back: ${text}`), showProblem);
          }}
        >
          Undo
        </Button>
      </div>
    ),
  });
}

export function showProblem(error: unknown): void {
  const { heading } = describeProblem(error);
  notifications.show({
    title: null,
    'aria-label': heading,
    message: <ProblemNotice error={error} />,
    autoClose: REFUSED_FOR_MS,
    classNames: { root: classes['problem'] ?? '' },
  });
}
