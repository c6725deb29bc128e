import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { signedHeaders, webhookBody } from './send-webhook.ts';
import { messageOfChange, testChange } from './test-change.ts';

const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

describe('a webhook', () => {
  const change = testChange('change-1', { title: 'Ünïcode „quoted“ \u2028 title' });
  const body = webhookBody(messageOfChange(change));
  const timestamp = Math.floor(Date.now() / 1000);
  const [old, fresh] = [newSecret(), newSecret()];
  const headers = signedHeaders({ id: change.id, timestamp, body, secrets: [old, fresh] });

  it.each([
    ['the old secret', old],
    ['the new one', fresh],
  ])('is verified by the standard’s own library with %s', (_, secret) => {
    expect(new Webhook(secret).verify(body, headers)).toEqual({
      type: 'tally.alert.opened',
      timestamp: change.at,
      data: change,
    });
  });

  it.each([
    ['another body', `${body} `, headers],
    ['another id', body, { ...headers, 'webhook-id': 'change-2' }],
    ['another time', body, { ...headers, 'webhook-timestamp': String(timestamp + 1) }],
  ])('is not verified with %s', (_, received, withHeaders) => {
    expect(() => new Webhook(old).verify(received, withHeaders)).toThrow('No matching signature');
  });

  it('is not verified with a secret it was not signed with', () => {
    expect(() => new Webhook(newSecret()).verify(body, headers)).toThrow('No matching signature');
  });

  it('holds the change byte for byte as it is stored', () => {
    const document = '{ "id" : "change-1" , "n" : 1.0 }';
    expect(webhookBody({ change, document })).toContain(`"data":${document}}`);
  });
});
