import { Button } from '@mantine/core';
import { holdfast } from '../../api/holdfast.ts';
import { useGet } from '../../api/queries.ts';
import { useCommand } from '../../api/use.command.tsx';
import { TimeAgo } from '../../ui/time.tsx';
import classes from './settings.module.css';

/** Where one is signed in, and a way to end it there. */
export function OwnSessions() {
  const { data } = useGet('/api/v1/sessions');
  const end = useCommand({
    run: (id: string) => holdfast.DELETE('/api/v1/sessions/{id}', { params: { path: { id } } }),
    done: () => 'Signed out there',
    stale: ['/api/v1/sessions'],
  });
  if (data === undefined) return null;
  return (
    <section aria-labelledby="own-sessions">
      <h2 id="own-sessions" className={classes['heading']}>
        Where you are signed in
      </h2>
      <ul className={classes['sessions']}>
        {data.items.map(({ id, current, userAgent, address, lastSeenAt }) => (
          <li key={id}>
            <span>
              {userAgent ?? 'A browser'} at {address ?? 'an unknown address'}, seen <TimeAgo at={lastSeenAt} />
            </span>
            {current ? (
              <b>this one</b>
            ) : (
              <Button variant="default" size="compact-sm" onClick={() => end.mutate(id)}>
                Sign out there
              </Button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
