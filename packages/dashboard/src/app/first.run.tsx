import { lazy, Suspense, useState } from 'react';
import { Button } from '@mantine/core';
import { useSession } from '../api/use.session.ts';
import { Icon } from '../ui/icon.tsx';
import classes from './first.run.module.css';

const CreateAdmin = lazy(async () => ({ default: (await import('./create.admin.tsx')).CreateAdmin }));

const PUT_OFF = 'holdfast.firstRun.putOff';

/** While nobody can sign in yet: offers to make the first admin, after which everybody must. */
export function FirstRun() {
  const session = useSession();
  const [isPutOff, setIsPutOff] = useState(readPutOff);
  const [isOpen, setIsOpen] = useState(false);
  if (session?.needsAdmin !== true || isPutOff) return null;
  const putOff = (): void => {
    setIsPutOff(true);
    try {
      sessionStorage.setItem(PUT_OFF, 'yes');
    } catch {
      // Without storage it is offered again with the next page load.
    }
  };
  return (
    <aside className={classes['offer']} aria-label="First run">
      <Icon name="key" />
      <div className={classes['text']}>
        <b>This server is open.</b> Everybody who uses this machine is its admin, until you create one.
      </div>
      <div className={classes['buttons']}>
        <Button onClick={() => setIsOpen(true)}>Create the admin</Button>
        <Button variant="default" onClick={putOff}>
          Not now
        </Button>
      </div>
      <Suspense fallback={null}>{isOpen && <CreateAdmin onClose={() => setIsOpen(false)} />}</Suspense>
    </aside>
  );
}

function readPutOff(): boolean {
  try {
    return sessionStorage.getItem(PUT_OFF) !== null;
  } catch {
    return false;
  }
}
