import { useEffect, useState } from 'react';
import { connectionStore } from '../api/connection.store.ts';
import { useStore } from './store.ts';
import classes from './sign.in.module.css';

const PATIENCE_MS = 600;

/** Nothing for a moment; then why it takes so long. */
export function Starting() {
  const { isHere, unreadyBecause } = useStore(connectionStore);
  const [isSlow, setIsSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setIsSlow(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);
  const why = isHere ? unreadyBecause : 'The server does not answer.';
  return (
    <main className={classes['page']} aria-busy="true">
      <h1 className="hf-hidden">Holdfast</h1>
      {isSlow && (
        <p role="status">{why === null ? 'Waiting for the server…' : `${why} It is asked again every second.`}</p>
      )}
    </main>
  );
}
