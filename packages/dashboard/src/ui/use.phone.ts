import { useMediaQuery } from '@mantine/hooks';

/** As wide as a phone held upright, or a desk's screen at 400 %: the style sheets' own bound. */
export function useIsPhone(): boolean {
  return useMediaQuery('(max-width: 620px)', false, { getInitialValueInEffect: false });
}
