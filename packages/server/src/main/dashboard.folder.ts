import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where the built dashboard may be: inside the installed package, or beside it in a clone. */
const PLACES = ['../dashboard/', '../../../dashboard/dist/'];

/** The folder of the built dashboard; null where it was never built. */
export function dashboardFolder(): string | null {
  const places = PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  return places.find((place) => existsSync(`${place}index.html`)) ?? null;
}
