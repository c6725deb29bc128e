/**
 * Webhooks as the Standard Webhooks specification has them: the id of the change at every attempt, the time of the attempt,
 * and a signature over id, time and body by each of the target's secrets, so that a receiver may go from one to the next.
 */
import { createHmac } from 'node:crypto';
import { TallyError } from '@tally/platform/errors';
import type { HttpPoster } from './http-post.ts';
import { isReference, readReference, type SecretSources } from './references.ts';
import { detailOf, type Message, type Send } from './told.ts';

const SECRET_PREFIX = 'whsec_';
/** Of a secret's bytes; the specification's bounds. */
const SECRET_BYTES_MIN = 24;
const SECRET_BYTES_MAX = 64;

export interface WebhookOptions {
  http: HttpPoster;
  secrets: SecretSources;
  /** Of `webhook-timestamp`. */
  clock: () => number;
}

export function webhookSender({ http, secrets: sources, clock }: WebhookOptions): Send {
  return async (target, message) => {
    const secrets: string[] = [];
    let url = target.address;
    try {
      for (const reference of target.secrets)
        secrets.push(checkSecret(await readReference(reference, sources), reference));
      if (isReference(url)) url = await readReference(url, sources);
    } catch (error) {
      if (!(error instanceof TallyError)) throw error;
      return { outcome: 'failed', status: 0, detail: detailOf(error.message), retryAfterMs: 0 };
    }
    const body = webhookBody(message);
    const headers = {
      'content-type': 'application/json',
      ...signedHeaders({ id: message.change.id, timestamp: Math.floor(clock() / 1000), body, secrets }),
    };
    return http.post({ url, headers, body, secrets });
  };
}

/** `{type, timestamp, data}`, data being the change as it is stored. */
export function webhookBody({ change, document }: Message): string {
  const head = JSON.stringify({ type: `tally.alert.${change.change}`, timestamp: change.at });
  return `${head.slice(0, -1)},"data":${document}}`;
}

export interface Signing {
  /** Of the message, the same at every attempt. */
  id: string;
  /** Of the attempt, seconds since 1970-01-01 UTC. */
  timestamp: number;
  body: string;
  /** Each `whsec_` and base64. */
  secrets: readonly string[];
}

export function signedHeaders({ id, timestamp, body, secrets }: Signing): Record<string, string> {
  const signed = `${id}.${timestamp}.${body}`;
  const signatures = secrets.map(
    (secret) => `v1,${createHmac('sha256', keyOf(secret)).update(signed).digest('base64')}`,
  );
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatures.join(' '),
  };
}

function keyOf(secret: string): Buffer {
  return Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64');
}

function checkSecret(secret: string, reference: string): string {
  const bytes = keyOf(secret);
  const whole = bytes.toString('base64').replace(/=+$/, '') === secret.slice(SECRET_PREFIX.length).replace(/=+$/, '');
  if (
    secret.startsWith(SECRET_PREFIX) &&
    whole &&
    bytes.length >= SECRET_BYTES_MIN &&
    bytes.length <= SECRET_BYTES_MAX
  ) {
    return secret;
  }
  const message = `${reference}: not a secret of webhooks, whsec_ and base64 of ${SECRET_BYTES_MIN} to ${SECRET_BYTES_MAX} bytes`;
  throw new TallyError(message, { code: 'SECRET_INVALID', retriable: true });
}
