/**
 * Which of CloudEvents' three HTTP modes a request is in, by its headers alone, so that a wrong one is refused before
 * its body is read.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { problemFor } from './codes.ts';

export type Mode = 'structured' | 'batched' | 'binary';

const STRUCTURED = 'application/cloudevents+json';
const BATCHED = 'application/cloudevents-batch+json';
const JSON_DATA = /^application\/(?:[\w.-]+\+)?json$/;
const ACCEPTED = `${STRUCTURED}, ${BATCHED}, or application/json with ce-* headers`;

/** The mode. Throws Problem `unsupported-media-type` or `unsupported-encoding` (415). */
export function modeOf(headers: IncomingHttpHeaders): Mode {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding !== 'identity') throw problemFor('unsupported-encoding', 'send the body without a content encoding');
  const [mediaType = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';');
  for (const parameter of parameters) {
    const charset = /^\s*charset\s*=\s*"?([^"\s]*)"?\s*$/.exec(parameter)?.[1];
    if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') {
      throw problemFor('unsupported-media-type', 'the charset must be utf-8');
    }
  }
  const mode = modeOfMediaType(mediaType.trim());
  if (!mode) throw problemFor('unsupported-media-type', `accepted: ${ACCEPTED}`);
  return mode;
}

function modeOfMediaType(mediaType: string): Mode | undefined {
  if (mediaType === STRUCTURED) return 'structured';
  if (mediaType === BATCHED) return 'batched';
  if (mediaType.startsWith('application/cloudevents')) return undefined;
  return JSON_DATA.test(mediaType) ? 'binary' : undefined;
}
