/** What a caller may do. `reserve` and `stock` have `read` in them, `admin` has everything, the others only themselves. */
export const SCOPES = ['read', 'reserve', 'stock', 'ingest', 'notify', 'files', 'limit', 'admin'] as const;

export type Scope = (typeof SCOPES)[number];

const IMPLIED: Readonly<Partial<Record<Scope, readonly Scope[]>>> = {
  reserve: ['read'],
  stock: ['read'],
  admin: SCOPES,
};

export function isScope(word: string): word is Scope {
  return (SCOPES as readonly string[]).includes(word);
}

/** The given scopes and those that they have in them: so that a route asks with one `has`. */
export function expandScopes(granted: Iterable<Scope>): ReadonlySet<Scope> {
  const all = new Set<Scope>();
  for (const scope of granted) {
    all.add(scope);
    for (const implied of IMPLIED[scope] ?? []) all.add(implied);
  }
  return all;
}
