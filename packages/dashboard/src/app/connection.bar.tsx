import { useState } from 'react';
import { connectionStore, isAway, type Connection } from '../api/connection.store.ts';
import { formatAsOf } from '../api/readiness.rules.ts';
import { Icon } from '../ui/icon.tsx';
import { useNow } from '../ui/use.now.ts';
import { useStore } from './store.ts';
import classes from './connection.bar.module.css';

const A_MINUTE_MS = 60_000;

/** Quiet, and there only while the service is away: why, and since when what is shown may be old. */
export function ConnectionBar() {
  const connection = useStore(connectionStore);
  const isGone = isAway(connection);
  const [wasGone, setWasGone] = useState(isGone);
  if (isGone && !wasGone) setWasGone(true);
  return (
    <div role="status" aria-live="polite" className={classes['place']}>
      {isGone && <Bar {...connection} />}
      {/* Who sees it sees the bar go; who hears it has to be told. */}
      {!isGone && wasGone && <span className="hf-hidden">It is ready again, and what you see is asked for anew.</span>}
    </div>
  );
}

function Bar({ isHere, unreadyBecause, asOfMs }: Connection) {
  const nowMs = useNow(A_MINUTE_MS);
  return (
    <div className={classes['bar']}>
      <Icon name="warn" size={16} />
      <span>
        <strong>{isHere ? unreadyBecause : 'The server does not answer.'}</strong> What you see is as of{' '}
        {formatAsOf(asOfMs, nowMs)} and may be old. It is tried again every few seconds; this goes away by itself.
      </span>
    </div>
  );
}
