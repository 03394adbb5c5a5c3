/**
 * On every answer of the API, which is data and never a page: nothing may be loaded by it, framed, sniffed or kept.
 * Pages (the docs, the dashboard) set their own policy.
 */
export const API_HEADERS: readonly (readonly [string, string])[] = [
  ['cache-control', 'no-store'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['cross-origin-resource-policy', 'same-origin'],
  ['referrer-policy', 'no-referrer'],
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
];
