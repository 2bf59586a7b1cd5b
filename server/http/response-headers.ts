type Header = readonly [string, string];

/**
 * Sent with every answer. The pages need no inline script or style, no frame and no other host (WebSocket to the same host
 * is part of 'self'); `blob:` is what a page that plays or publishes a chosen file, or saves one, makes itself.
 */
export const SECURITY_HEADERS: readonly Header[] = [
  [
    'content-security-policy',
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; " +
      "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  ],
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-opener-policy', 'same-origin'],
  [
    'permissions-policy',
    'camera=(self), microphone=(self), display-capture=(self), autoplay=(self), picture-in-picture=(self), ' +
      'fullscreen=(self), geolocation=()',
  ],
];

/** For what only our own pages may use. */
export const OWN_ORIGIN_HEADERS: readonly Header[] = [['cross-origin-resource-policy', 'same-origin']];

/** For what any site's page may use. No cookies are involved, so `*` gives nobody somebody else's rights. */
export const ANY_ORIGIN_HEADERS: readonly Header[] = [
  ['cross-origin-resource-policy', 'cross-origin'],
  ['access-control-allow-origin', '*'],
  ['access-control-expose-headers', 'location, etag, link, accept-patch, retry-after'],
];

/** How long a browser may remember what OPTIONS said, s. */
const PREFLIGHT_MAX_AGE_SECONDS = 7200;

export interface OptionsAnswer {
  /** Every method of the address, upper case. */
  allowed: readonly string[];
  /** Those that any site's page may use. */
  shared: readonly string[];
  /** Media type that POST takes. */
  acceptPost?: string | undefined;
}

/** What OPTIONS is answered with, a browser's preflight among them. */
export function optionsHeaders({ allowed, shared, acceptPost }: OptionsAnswer): Header[] {
  const headers: Header[] = [['allow', allowed.join(', ')]];
  if (acceptPost !== undefined) headers.push(['accept-post', acceptPost]);
  if (shared.length > 0) {
    headers.push(
      ['access-control-allow-methods', shared.join(', ')],
      ['access-control-allow-headers', 'authorization, content-type, if-match'],
      ['access-control-max-age', String(PREFLIGHT_MAX_AGE_SECONDS)],
    );
  }
  return headers;
}
