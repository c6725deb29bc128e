import { describe, expect, it } from 'vitest';
import { RateLimit } from './rate-limit.ts';
import { readReference } from './references.ts';
import { alertTarget, alertTargets, DEFAULT_TARGETS, wants } from './target.ts';
import { testChange } from './test-change.ts';

const webhook = {
  id: 'hook',
  kind: 'webhook',
  address: 'https://example.com/hook',
  secrets: ['env:TALLY_TARGET_HOOK'],
};
const email = { id: 'mail', kind: 'email', address: 'ops@example.com' };
const chat = { id: 'chat', kind: 'chat', address: 'file:chat-url' };

describe('targets', () => {
  it.each([webhook, { ...webhook, address: 'env:TALLY_TARGET_URL' }, email, chat, { id: 'k', kind: 'kafka' }])(
    'are taken: %j',
    (target) => {
      expect(alertTarget.parse(target)).toMatchObject({ ...target, enabled: true, lowestSeverity: 'info' });
    },
  );

  it.each([
    ['a webhook without a secret', { ...webhook, secrets: [] }, 'needs at least one'],
    ['a secret in clear', { ...webhook, secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'] }, 'must be env:'],
    ['any variable of the process', { ...webhook, secrets: ['env:TALLY_CLICKHOUSE_PASSWORD'] }, 'must be env:'],
    ['any file', { ...webhook, secrets: ['file:../x'] }, 'must be env:'],
    ['a file of dots', { ...webhook, secrets: ['file:..'] }, 'must be env:'],
    ['a query string in clear', { ...webhook, address: 'https://example.com/?token=x' }, 'no query string'],
    ['credentials in the URL', { ...webhook, address: 'https://a:b@example.com/' }, 'no user name'],
    ['the URL of a chat in clear', { ...chat, address: 'https://hooks.example.com/T1/B1/x' }, 'must be env:'],
    ['no e-mail address', { ...email, address: 'ops' }, 'must be an e-mail address'],
    [
      'an e-mail address with a further header',
      { ...email, address: 'ops@example.com\r\nBcc: x@example.com' },
      'must be an',
    ],
    ['another topic', { id: 'k', kind: 'kafka', address: 'tally.interactions.v1' }, 'must be empty'],
    ['an unknown field', { ...email, secret: 'x' }, 'Unrecognized key'],
  ])('are refused with %s', (_, target, message) => {
    expect(alertTarget.safeParse(target).error?.issues[0]?.message).toContain(message);
  });

  it('have ids of their own', () => {
    expect(alertTargets.safeParse([email, email]).error?.issues[0]?.message).toContain('same id');
  });

  it('are the topic alone until somebody decides otherwise', () => {
    expect(DEFAULT_TARGETS).toMatchObject([{ id: 'kafka', kind: 'kafka', operators: true, enabled: true }]);
  });
});

describe('a target wants', () => {
  const change = testChange('c', { severity: 'info', highestSeverity: 'warning' });
  const ofOperators = testChange('o', { tenantId: null });
  it.each([
    ['all by default', {}, change, true],
    ['its tenants', { tenants: ['contoso'] }, change, true],
    ['no others', { tenants: ['fabrikam'] }, change, false],
    ['nothing of operators by default', {}, ofOperators, false],
    ['what concerns operators when asked', { operators: true, tenants: ['fabrikam'] }, ofOperators, true],
    ['the end of what was once severe', { lowestSeverity: 'warning' }, change, true],
    ['nothing that never was', { lowestSeverity: 'critical' }, change, false],
    ['nothing while it is off', { enabled: false }, change, false],
  ])('%s', (_, more, told, expected) => {
    expect(wants(alertTarget.parse({ ...email, ...more }), told)).toBe(expected);
  });
});

describe('a reference', () => {
  it('is read from the environment, and from files where there is a directory', async () => {
    const sources = { env: { TALLY_TARGET_A: ' x \n' }, dir: '' };
    expect(await readReference('env:TALLY_TARGET_A', sources)).toBe('x');
    await expect(readReference('env:TALLY_TARGET_B', sources)).rejects.toMatchObject({ code: 'SECRET_MISSING' });
    await expect(readReference('file:a', sources)).rejects.toThrow('TALLY_NOTIFY_SECRETS_DIR is not set');
  });
});

describe('the rate', () => {
  it('lets so many begin in any 60 seconds', () => {
    const rate = new RateLimit();
    const takes = [0, 10_000, 20_000, 59_999, 60_000, 60_001, 70_000].map((now) => {
      const waitMs = rate.waitMs(now, 2);
      if (waitMs === 0) rate.take(now);
      return waitMs;
    });
    expect(takes).toEqual([0, 0, 40_000, 1, 0, 9_999, 0]);
  });
});
