import { Button } from '@mantine/core';
import type { ErrorComponentProps } from '@tanstack/react-router';
import { PageHeader } from '../ui/page.header.tsx';
import { ProblemNotice } from '../ui/problem.notice.tsx';

/** A page that broke: the rest of the dashboard goes on. */
export function PageError({ error, reset }: ErrorComponentProps) {
  // A new build took the files away that this one would load.
  const isOutdated = /dynamically imported module|Importing a module script/.test(String(error));
  return (
    <>
      <PageHeader title={isOutdated ? 'The dashboard was updated' : 'This page broke'} />
      {isOutdated ? (
        <p>Load it anew to go on. Nothing was lost.</p>
      ) : (
        <ProblemNotice error={error} title="Something in this page went wrong" />
      )}
      <Button variant="default" mt="md" onClick={() => (isOutdated ? location.reload() : reset())}>
        {isOutdated ? 'Load anew' : 'Try again'}
      </Button>
    </>
  );
}
