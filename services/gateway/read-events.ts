/**
 * From a request to its events as the sender wrote them, unchecked: one for the structured and the binary mode, any
 * number for a batch.
 */
import { isUtf8 } from 'node:buffer';
import { problemFor } from './codes.ts';
import type { Mode } from './mode.ts';

export interface EventRequest {
  mode: Mode;
  /** Names and values in turn, as they came over the wire. */
  rawHeaders: readonly string[];
  body: Buffer;
}

/**
 * The events of a request, in the sender's order.
 * @param batchEventsMax events in one batch
 * Throws Problem: `invalid-utf8`, `invalid-json`, `invalid-header`, `not-a-cloudevent`, `not-a-batch`, `empty-batch`
 * (400), `batch-too-large` (413).
 */
export function readEvents({ mode, rawHeaders, body }: EventRequest, batchEventsMax: number): unknown[] {
  switch (mode) {
    case 'structured':
      return [parseJson(body)];
    case 'batched':
      return batchOf(parseJson(body), batchEventsMax);
    case 'binary': {
      const attributes = attributesOf(rawHeaders);
      return [body.length === 0 ? attributes : { ...attributes, data: parseJson(body) }];
    }
  }
}

function parseJson(body: Buffer): unknown {
  // Decoding would replace a wrong byte by U+FFFD, and two different ids could become one.
  if (!isUtf8(body)) throw problemFor('invalid-utf8', 'the body holds bytes that are not UTF-8');
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    throw problemFor('invalid-json', body.length === 0 ? 'the body is empty' : 'the body does not parse as JSON');
  }
}

function batchOf(body: unknown, batchEventsMax: number): unknown[] {
  if (!Array.isArray(body)) throw problemFor('not-a-batch', 'a batch is a JSON array of events');
  if (body.length === 0) throw problemFor('empty-batch', 'the array is empty');
  if (body.length > batchEventsMax) {
    throw problemFor('batch-too-large', `the batch holds ${body.length} events, at most ${batchEventsMax} are taken`);
  }
  return body;
}

/** The context attributes of the binary mode: `ce-` headers, each at most once. */
function attributesOf(rawHeaders: readonly string[]): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const header = (rawHeaders[at] ?? '').toLowerCase();
    const name = /^ce-([a-z0-9]+)$/.exec(header)?.[1];
    // Both are no headers of this mode: they are the body and its content type.
    if (name === undefined || name === 'data' || name === 'datacontenttype') continue;
    if (Object.hasOwn(attributes, name)) throw problemFor('invalid-header', `${header} stands there twice`);
    attributes[name] = headerText(header, rawHeaders[at + 1] ?? '');
  }
  if (!Object.hasOwn(attributes, 'specversion')) {
    throw problemFor('not-a-cloudevent', 'specversion: application/json needs the binary mode’s ce-* headers');
  }
  return attributes;
}

/** HTTP binding, section 3.1.3.2: first double quotes with their escapes are undone, then percent-encoding, once. */
function headerText(header: string, value: string): string {
  // Node hands over other bytes as Latin-1, so an unencoded é would become another id than the same é encoded.
  if (!/^[\t\x20-\x7e]*$/.test(value)) {
    throw problemFor('invalid-header', `${header} holds characters that must be percent-encoded`);
  }
  const unquoted = /^"(.*)"$/.test(value) ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value;
  try {
    return decodeURIComponent(unquoted);
  } catch {
    throw problemFor('invalid-header', `${header} is not valid percent-encoded UTF-8`);
  }
}
