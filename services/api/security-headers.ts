/**
 * What browsers are told about every answer, in one place. The api's own answers are data, so nothing may run in them; the
 * dashboard and the page of the document run our own files and nothing that stands in a page.
 */

const YEAR_SECONDS = 31_536_000;

/** Without `unsafe-inline` or another host, wherever it is used. */
function policy(directives: Readonly<Record<string, string>>): string {
  const always = { 'base-uri': "'none'", 'frame-ancestors': "'none'" };
  return Object.entries({ ...directives, ...always })
    .map(([name, value]) => `${name} ${value}`)
    .join('; ');
}

const DATA_POLICY = policy({ 'default-src': "'none'", 'form-action': "'none'" });

export const DASHBOARD_POLICY = policy({
  'default-src': "'self'",
  'style-src': "'self'",
  'img-src': "'self' data:",
  'object-src': "'none'",
  'form-action': "'self'",
});

export const DOCUMENT_POLICY = policy({
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': "'self'",
  'img-src': "'self' data:",
  'connect-src': "'self'",
  'form-action': "'none'",
});

/**
 * On every answer of the api, problems too; pages set their own content security policy.
 * @param publicUrl where browsers reach it; only behind https are they told to come by https for a year
 */
export function securityHeaders(publicUrl: string | undefined): Readonly<Record<string, string>> {
  return {
    'content-security-policy': DATA_POLICY,
    'x-content-type-options': 'nosniff',
    // For browsers that do not know frame-ancestors.
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
    ...(publicUrl?.startsWith('https:') ? { 'strict-transport-security': `max-age=${YEAR_SECONDS}` } : {}),
  };
}
