import type { Plugin } from 'vite';

/** Mantine has fourteen palettes; here nothing is coloured but by blue, red, gray and dark (src/app/theme.css). */
const UNUSED = /--mantine-color-(?:pink|grape|violet|indigo|cyan|teal|green|lime|yellow|orange)-[\w-]+:[^;}]+;?/g;

/** Leaves out of the first page's styles the colours that nothing has. */
export function usedPalettes(): Plugin {
  return {
    name: 'holdfast-used-palettes',
    enforce: 'pre',
    transform: (code, id) => (id.endsWith('/default-css-variables.css') ? code.replace(UNUSED, '') : null),
  };
}
