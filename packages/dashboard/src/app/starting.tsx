import { useEffect, useState } from 'react';
import { connectionStore } from '../api/connection.store.ts';
import { useStore } from './store.ts';
import classes from './sign.in.module.css';

const PATIENCE_MS = 600;

/** Nothing for a moment; then why it takes so long. */
export function Starting() {
  const { isHere } = useStore(connectionStore);
  const [isSlow, setIsSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setIsSlow(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <main className={classes['page']} aria-busy="true">
      <h1 className="hf-hidden">Holdfast</h1>
      {isSlow && (
        <p role="status">
          {isHere ? 'The server is starting…' : 'The server does not answer. It is asked again every second.'}
        </p>
      )}
    </main>
  );
}
