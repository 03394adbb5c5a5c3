import { createElement, use, type ComponentType, type FunctionComponent } from 'react';

/**
 * A component that is loaded when it is first shown, or pointed at. Unlike React's and the router's, one that could not be
 * loaded is asked for again the next time, and never by loading the whole dashboard anew: the server may just be away.
 */
export function lazyPage(load: () => Promise<ComponentType>): FunctionComponent & { preload: () => Promise<void> } {
  let loading: Promise<ComponentType> | null = null;
  const begin = (): Promise<ComponentType> => {
    loading ??= load().catch((error: unknown) => {
      loading = null;
      throw error;
    });
    return loading;
  };
  const Page = () => createElement(use(begin()));
  // A failure is met where it is shown.
  Page.preload = async (): Promise<void> => void (await begin().catch(() => undefined));
  return Page;
}
