import { lazy, Suspense, useEffect } from 'react';
import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { queryClient } from '../api/queries.ts';
import { watchReadiness } from '../api/readiness.ts';
import { forgetAll, loadSession, watchOtherTabs, watchScopes } from '../api/session.ts';
import { identityOf, sessionOf, sessionStore } from '../api/session.store.ts';
import { LiveFeed } from '../live/live.feed.tsx';
import { router } from './router.tsx';
import { ErrorBoundary } from './error.boundary.tsx';
import { keepFocus } from './focus.keeper.ts';
import { Starting } from './starting.tsx';
import { useStore } from './store.ts';
import { colorSchemeManager, theme, watchPrinting } from './theme.ts';

// Not for who is signed in already.
const SignIn = lazy(async () => ({ default: (await import('./sign.in.tsx')).SignIn }));
const SignInAgain = lazy(async () => ({ default: (await import('./sign.in.tsx')).SignInAgain }));
const RETRY_MS = 1_000;

/** Without styles in the page's text: theme.css has the variables, and no component may ask for others. */
export function App() {
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      colorSchemeManager={colorSchemeManager}
      withCssVariables={false}
      withGlobalClasses={false}
    >
      <ErrorBoundary>
        <QueryClientProvider client={queryClient}>
          <Notifications position="bottom-right" limit={4} autoClose={6_000} />
          <Gate />
        </QueryClientProvider>
      </ErrorBoundary>
    </MantineProvider>
  );
}

/** Nothing is asked for until it is known who asks. */
function Gate() {
  const state = useStore(sessionStore);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = (): void => {
      // A server that is starting, or away: it is asked until it answers.
      loadSession().catch(() => (timer = setTimeout(load, RETRY_MS)));
    };
    load();
    return () => clearTimeout(timer);
  }, []);
  useEffect(watchReadiness, []);
  useEffect(watchOtherTabs, []);
  useEffect(watchScopes, []);
  useEffect(keepFocus, []);
  useEffect(watchPrinting, []);
  const isSignedOut = state.status === 'signedOut';
  const session = sessionOf(state);
  const isLeft = isSignedOut && session === null;
  useEffect(() => {
    if (isLeft) forgetAll();
  }, [isLeft]);
  if (state.status === 'loading') return <Starting />;
  if (session === null) {
    return (
      <Suspense fallback={<Starting />}>
        <SignIn />
      </Suspense>
    );
  }
  return (
    <>
      {!isSignedOut && <LiveFeed />}
      <RouterProvider key={identityOf(session)} router={router} />
      <Suspense fallback={null}>{isSignedOut && <SignInAgain />}</Suspense>
    </>
  );
}
