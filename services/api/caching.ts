/**
 * What may be kept of an answer: figures are kept by their reader alone, who asks each time whether they still hold; all
 * else is not kept at all. (RFC 9110, RFC 9111)
 */
import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from '@tally/platform/http';

const FIGURES = '/v1/';
const KEPT_BY_READER = 'private, no-cache';
const NOT_KEPT = 'no-store';
const NOT_MODIFIED = 304;

/** An answer is another one for another caller, in another form or encoding, and with a session's cookie. */
const VARIES_BY = 'accept, accept-encoding, authorization, cookie';

/**
 * When it was worked out says nothing about the figures: without it, an answer has a new tag only when something in it
 * is new. In texts quotes are escaped, so nobody else's words look like this.
 */
const COMPUTED_AT = /"asOf":\{"computedAt":"[^"]*"|,"computedAt":"[^"]*"\}$/g;

/** Rates are worked out from two of these answers, by their times. */
const WITH_TIME = new Set(['/v1/ledger']);

/**
 * Gives every GET of figures a tag and answers 304 to who has it already; says of everything else under `/v1/` that it is
 * not to be kept. To be called before routes are added. A route may set a tag or `Cache-Control` of its own.
 */
export function addCaching(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    if (!request.url.startsWith(FIGURES)) return payload;
    reply.header('vary', VARIES_BY);
    const reads = request.method === 'GET' || request.method === 'HEAD';
    const isFigure = reads && (reply.statusCode < 300 || reply.statusCode === NOT_MODIFIED);
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', isFigure ? KEPT_BY_READER : NOT_KEPT);
    if (!isFigure || reply.statusCode === NOT_MODIFIED || reply.getHeader('cache-control') === NOT_KEPT) return payload;
    if (!reply.hasHeader('etag') && typeof payload === 'string') reply.header('etag', tagOf(request, payload));
    const tag = reply.getHeader('etag');
    if (typeof tag !== 'string' || !isKnown(request, tag)) return payload;
    notModified(reply);
    return '';
  });
}

/** Whether the reader has the answer with this tag already: compared weakly, as GET is. */
export function isKnown({ headers }: Pick<FastifyRequest, 'headers'>, tag: string): boolean {
  const asked = headers['if-none-match'];
  if (asked === undefined) return false;
  if (asked.trim() === '*') return true;
  const opaque = (text: string): string => text.trim().replace(/^W\//, '');
  return asked.split(',').some((one) => opaque(one) === opaque(tag));
}

/** Of the headers those stay that the reader's copy takes over. */
function notModified(reply: FastifyReply): void {
  reply.code(NOT_MODIFIED);
  for (const name of ['content-type', 'content-length', 'content-disposition']) reply.removeHeader(name);
}

/** The tag of an answer, by its JSON. Weak: the same answer compressed has other bytes. */
export function tagOf({ routeOptions }: FastifyRequest, text: string): string {
  const kept = WITH_TIME.has(routeOptions.url ?? '') ? text : text.replace(COMPUTED_AT, '');
  return `W/"${createHash('sha256').update(kept).digest('base64url').slice(0, 32)}"`;
}
