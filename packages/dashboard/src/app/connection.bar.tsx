import { useEffect } from 'react';
import { queryClient } from '../api/queries.ts';
import { connectionStore } from '../api/connection.store.ts';
import { send } from '../api/holdfast.ts';
import { Icon } from '../ui/icon.tsx';
import { useStore } from './store.ts';
import classes from './connection.bar.module.css';

const PROBE_MS = 1_500;
const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

/** Quiet, and there only while the server is away: since when what is shown may be stale. */
export function ConnectionBar() {
  const { isHere, lastHeardMs } = useStore(connectionStore);
  useEffect(() => {
    if (isHere) return;
    const probe = setInterval(() => {
      send(new Request(new URL('/health/ready', location.origin))).then(
        ({ ok }) => {
          // What was missed meanwhile.
          if (ok) void queryClient.invalidateQueries();
        },
        () => undefined,
      );
    }, PROBE_MS);
    return () => clearInterval(probe);
  }, [isHere]);
  return (
    <div role="status" className={classes['place']}>
      {!isHere && (
        <div className={classes['bar']}>
          <Icon name="warn" size={16} />
          <span>
            The server does not answer. What you see is as of {time.format(lastHeardMs)}; this goes away by itself.
          </span>
        </div>
      )}
    </div>
  );
}
