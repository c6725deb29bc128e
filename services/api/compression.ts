/**
 * Answers as br or gzip, for whoever takes them so.
 *
 * What holds a secret is not compressed: from the length of an answer that also holds what somebody else asked for, the
 * secret could be guessed (BREACH). That is a key as it is made, and the answer that begins a session; there are no
 * tokens against forgery in answers, changes by cookie need a header and an `Origin` instead.
 */
import { constants } from 'node:zlib';
import compress from '@fastify/compress';
import type { FastifyInstance } from '@tally/platform/http';

/** What is smaller hardly gets smaller, bytes. */
const THRESHOLD_BYTES = 1_024;
/** Of 11; above it, it takes several times as long for a few percent. */
const BROTLI_QUALITY = 4;
const GZIP_LEVEL = 6;

/** Text of our own; workbooks, PDF and Parquet are compressed inside. */
const COMPRESSIBLE =
  /^(?:application\/(?:json|x-ndjson|problem\+json)|text\/(?:csv|html|css|javascript|plain)|image\/svg\+xml)\b/;

const WITH_SECRETS: ReadonlySet<string> = new Set(['/v1/session', '/v1/keys']);

/** Their tag and digest are of these very bytes. */
const SEALED: ReadonlySet<string> = new Set([
  '/v1/tenants/:tenantId/statements/:file',
  '/v1/tenants/:tenantId/statements/:month',
]);

/** For the routes that are added afterwards, in plugins. */
export function addCompression(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    if (WITH_SECRETS.has(route.url) || SEALED.has(route.url)) route.compress = false;
  });
  app.register(compress, {
    encodings: ['br', 'gzip'],
    customTypes: COMPRESSIBLE,
    threshold: THRESHOLD_BYTES,
    // No body is taken compressed: a small one could be a very large one.
    globalDecompression: false,
    brotliOptions: { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } },
    zlibOptions: { level: GZIP_LEVEL },
  });
}
