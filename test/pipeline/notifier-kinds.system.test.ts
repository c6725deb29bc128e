/**
 * What receivers get: signed webhooks, e-mails over TLS, records of the topic, and lines in chats.
 */
import { randomUUID } from 'node:crypto';
import { readTopic, type StoredRecord } from '@tally/platform/kafka';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { NotifierStage, newSecret, SECRET_TEXTS, SECRETS, SMTP_LOGIN } from '../support/notifier-stage.ts';
import { smtpReceiver } from '../support/receivers.ts';
import { eventually } from '../support/system.ts';

const SECOND_MS = 1_000;

describe('what the notifier tells', () => {
  let stage: NotifierStage;

  beforeAll(async () => {
    stage = await NotifierStage.open('notifier_tells');
  });
  beforeEach(() => stage.begin());
  afterEach(() => stage.clear());
  afterAll(() => stage.close());

  it('signs so that the standard’s library verifies it, with the old secret and the new one', async () => {
    await stage.setTargets(stage.hook('/ok'));
    const told = stage.change(`signed-${randomUUID()}`);
    await stage.write([told]);
    await (await stage.notifier()).round();
    const [hit] = stage.http.at('/ok');
    for (const secret of Object.values(SECRETS)) {
      expect(new Webhook(secret).verify(hit?.body ?? '', hit?.headers ?? {})).toMatchObject({ data: told });
    }
    expect(() => new Webhook(newSecret()).verify(hit?.body ?? '', hit?.headers ?? {})).toThrow();
  });

  it('writes e-mails that can be read, over TLS, with a Message-ID that stays the same', async () => {
    await stage.setTargets({ id: 'mail', kind: 'email', address: 'ops@customer.example' });
    const told = stage.change(`mail-${randomUUID()}`);
    stage.smtp.putOff = 1;
    await stage.write([told]);
    const { round } = await stage.notifier();
    await round();
    expect(await stage.attempts(told.id)).toMatchObject([{ outcome: 'failed', status: 451 }]);
    stage.now += 6 * SECOND_MS;
    await round();
    expect(await stage.attempts(told.id)).toMatchObject([{ outcome: 'failed' }, { outcome: 'delivered', status: 250 }]);
    const [mail] = stage.smtp.mails;
    expect(mail).toMatchObject({
      recipients: ['ops@customer.example'],
      secure: true,
      user: 'tally',
      messageId: `<${told.id}@tally.example>`,
      references: `<alert.${told.alert.id}@tally.example>`,
      subject: '[warning] New: contoso has used 91 % of <b>its</b> interactions',
      from: { text: 'tally@tally.example' },
    });
    expect(mail?.text).toContain('At this rate the month ends over its quota.');
    expect(mail?.html).toContain('contoso has used 91 % of &lt;b&gt;its&lt;/b&gt; interactions');
    expect(mail?.headers.get('auto-submitted')).toBe('auto-generated');
    expect(mail?.headers.get('list')).toMatchObject({ id: { id: 'alerts.tally.tally.example' } });
  });

  it.each([
    ['a certificate that nobody vouches for', { TALLY_SMTP_CA_FILE: '' }, 'self-signed certificate'],
    ['another password', { TALLY_SMTP_PASSWORD: 'wrong-secret-word' }, 'Invalid login'],
    ['no server at all', { TALLY_SMTP_HOST: '' }, 'TALLY_SMTP_HOST is not set'],
  ])('keeps e-mails for later with %s', async (_, env, detail) => {
    await stage.setTargets({ id: 'mail', kind: 'email', address: 'ops@customer.example' });
    const [id = ''] = await stage.write([stage.change(`unsent-${randomUUID()}`)]);
    await (await stage.notifier(env)).round();
    expect(await stage.attempts(id)).toMatchObject([{ outcome: 'failed', detail: expect.stringContaining(detail) }]);
    expect((await stage.attempts(id))[0]?.detail).not.toContain('secret-word');
    expect(stage.smtp.mails).toEqual([]);
  });

  it('tells no password to a mail server without TLS', async () => {
    const plain = await smtpReceiver(SMTP_LOGIN, { plain: true });
    await stage.setTargets({ id: 'mail', kind: 'email', address: 'ops@customer.example' });
    const [id = ''] = await stage.write([stage.change(`plain-${randomUUID()}`)]);
    await (await stage.notifier({ TALLY_SMTP_PORT: String(plain.port) })).round();
    expect(await stage.attempts(id)).toMatchObject([{ outcome: 'failed', detail: expect.stringContaining('ETLS') }]);
    expect(plain).toMatchObject({ logins: 0, mails: [] });
    await plain.close();
  });

  it('writes to the topic and to chats', async () => {
    await stage.setTargets(
      { id: 'kafka', kind: 'kafka', operators: true },
      { id: 'chat', kind: 'chat', address: 'env:TALLY_TARGET_CHAT' },
    );
    const told = [
      stage.change(`t-${randomUUID()}`),
      stage.change(`o-${randomUUID()}`, { tenantId: null, subject: 'consumer-lag' }),
    ];
    await stage.write(told);
    await (await stage.notifier()).round();
    // Kafka may not know yet who looks after a new group.
    const records = await eventually(async () => {
      const read: StoredRecord[] = [];
      await readTopic(stage.system, stage.system.topics.alerts, (record) => {
        read.push(record);
      });
      return read;
    });
    const found = records.map(({ key, value, headers }) => [
      key?.toString(),
      value?.toString(),
      String(headers['id'] ?? ''),
    ]);
    expect(found).toHaveLength(2);
    expect(found).toContainEqual(['contoso/interactions', JSON.stringify(told[0]), told[0]?.id]);
    expect(found).toContainEqual(['operators/consumer-lag', JSON.stringify(told[1]), told[1]?.id]);
    expect(stage.http.at('/accepted').map(({ body }) => JSON.parse(body))).toEqual([
      { text: expect.stringContaining('contoso has used 91 % of &lt;b&gt;its&lt;/b&gt; interactions') },
    ]);
  });

  it('has said and kept no secret in all of this', () => {
    expect(stage.kept).toContain('delivered');
    for (const secret of SECRET_TEXTS) {
      expect(stage.kept.includes(secret)).toBe(false);
      expect(stage.said.includes(secret)).toBe(false);
    }
  });
});
