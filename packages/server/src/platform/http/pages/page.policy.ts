/**
 * What a page of the dashboard may do: load scripts, styles and images of this server, and talk to it. Nothing inline,
 * nothing from elsewhere, and nobody may frame it.
 */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "object-src 'none'",
].join('; ');

/** On every file of the dashboard, beside the headers that all answers carry. */
export const PAGE_HEADERS: readonly (readonly [string, string])[] = [
  ['content-security-policy', PAGE_POLICY],
  ['cross-origin-opener-policy', 'same-origin'],
  ['permissions-policy', 'camera=(), geolocation=(), microphone=(), payment=(), usb=()'],
];

/** Files with a hash in their name never change. */
export const FOR_EVER = 'public, max-age=31536000, immutable';
/** Asked for again each time, and answered with 304 while they are the same. */
export const ASK_AGAIN = 'no-cache';
