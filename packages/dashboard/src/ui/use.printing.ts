import { useEffect, useState } from 'react';
import { flushSync } from 'react-dom';

/** Whether the page is being printed: then all that is known is there, and not only what is in view. */
export function usePrinting(): boolean {
  const [isPrinting, setIsPrinting] = useState(false);
  useEffect(() => {
    // The browser waits for nobody: what is not there when this is over is not printed.
    const tell = (isNow: boolean) => () => flushSync(() => setIsPrinting(isNow));
    const [onBefore, onAfter] = [tell(true), tell(false)];
    addEventListener('beforeprint', onBefore);
    addEventListener('afterprint', onAfter);
    return () => {
      removeEventListener('beforeprint', onBefore);
      removeEventListener('afterprint', onAfter);
    };
  }, []);
  return isPrinting;
}
