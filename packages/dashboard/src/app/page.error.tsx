import { useEffect, useRef } from 'react';
import { Button } from '@mantine/core';
import type { ErrorComponentProps } from '@tanstack/react-router';
import { connectionStore } from '../api/connection.store.ts';
import { PageHeader } from '../ui/page.header.tsx';
import { ProblemNotice } from '../ui/problem.notice.tsx';
import { useStore } from './store.ts';

/** A page that broke, or whose files could not be loaded: the rest of the dashboard goes on. */
export function PageError({ error, reset }: ErrorComponentProps) {
  const { isHere } = useStore(connectionStore);
  const isUnloaded = /dynamically imported module|importing a module script/i.test(String(error));
  const wasAway = useRef(false);
  // Once the server answers again, so does the page.
  useEffect(() => {
    if (!isHere) wasAway.current = true;
    else if (isUnloaded && wasAway.current) reset();
  }, [isUnloaded, isHere, reset]);
  if (!isUnloaded) {
    return (
      <>
        <PageHeader title="This page broke" />
        <ProblemNotice error={error} title="Something in this page went wrong" onRetry={reset} />
      </>
    );
  }
  return (
    <>
      <PageHeader title="This page could not be loaded" />
      <p>
        {isHere
          ? 'The dashboard was updated since you opened it. Load it anew to go on; nothing was lost.'
          : 'The server does not answer. The page comes by itself when it does.'}
      </p>
      {isHere && (
        <Button variant="default" onClick={() => location.reload()}>
          Load anew
        </Button>
      )}
    </>
  );
}
