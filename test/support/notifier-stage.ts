/**
 * A notifier under test: its receivers, its targets, a clock, and all that was ever logged and kept.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { AlertChange } from '@tally/alerts';
import { alertTargets, changeTargets, type Delivery, deliveriesOf, notifierConfig } from '@tally/notifier';
import { createNotifier, type RunningNotifier, type StartOptions } from '@tally/notifier/start';
import { dateTime64 } from '@tally/platform/clickhouse';
import { parseConfig } from '@tally/platform/config';
import { createRegistry, type Registry } from '@tally/platform/http';
import { pino } from 'pino';
import { type HttpReceiver, httpReceiver, type SmtpReceiver, smtpReceiver } from './receivers.ts';
import { TestSystem } from './system.ts';

/** How long a receiver may take in these tests. */
export const ANSWER_MS = 2_500;
export const SMTP_LOGIN = { user: 'tally', password: 'smtp-secret-word' };
export const SECRETS = { old: newSecret(), fresh: newSecret() };
const CHAT_TOKEN = 'chat-secret-token';
const QUERY_TOKEN = 'query-secret';
/** What must never be said or kept. */
export const SECRET_TEXTS = [...Object.values(SECRETS), SMTP_LOGIN.password, CHAT_TOKEN, QUERY_TOKEN];

export function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

/** A notifier that looks only when it is told to. */
type StagedNotifier = RunningNotifier & {
  registry: Registry;
  /** Looks once, and waits for all that is under way. */
  round: () => Promise<void>;
};

export class NotifierStage {
  readonly system: TestSystem;
  readonly http: HttpReceiver;
  readonly smtp: SmtpReceiver;
  /** Milliseconds since 1970-01-01 UTC. */
  now = Date.now();
  /** All that ever was in the tables. */
  kept = '';
  readonly #dir: string;
  readonly #lines: string[] = [];
  readonly #log = pino(
    { level: 'trace' },
    new Writable({
      write: (line, _, done) => {
        this.#lines.push(String(line));
        done();
      },
    }),
  );
  #running: RunningNotifier[] = [];

  private constructor(system: TestSystem, http: HttpReceiver, smtp: SmtpReceiver) {
    this.system = system;
    this.http = http;
    this.smtp = smtp;
    this.#dir = mkdtempSync(join(tmpdir(), 'tally-notifier-'));
    writeFileSync(join(this.#dir, 'ca.pem'), smtp.ca);
    writeFileSync(join(this.#dir, 'hook-secret'), `${SECRETS.fresh}\n`);
  }

  static async open(name: string): Promise<NotifierStage> {
    return new NotifierStage(await TestSystem.create(name), await httpReceiver(), await smtpReceiver(SMTP_LOGIN));
  }
  /** Before each test: time is what it is, and nothing was received. */
  begin(): void {
    this.now = Date.now();
    this.http.received.length = 0;
    this.smtp.mails.length = 0;
  }

  /** After each test. */
  async clear(): Promise<void> {
    for (const one of this.#running.splice(0)) await one.stop();
    for (const table of ['alert_targets', 'alert_deliveries', 'alert_changes']) {
      this.kept += JSON.stringify(await this.system.clickhouse.query(`SELECT * FROM ${table}`));
      await this.system.clickhouse.command(`TRUNCATE TABLE ${table}`);
    }
  }

  async close(): Promise<void> {
    await this.http.close();
    await this.smtp.close();
    await this.system.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** All that was logged. */
  get said(): string {
    return this.#lines.join('');
  }

  /** What a notifier is configured with. */
  settings(): Record<string, string> {
    return {
      ...this.system.env,
      TALLY_NOTIFY_PRIVATE_NETWORKS: '127.0.0.0/8',
      TALLY_NOTIFY_ANSWER_MS: String(ANSWER_MS),
      TALLY_NOTIFY_SECRETS_DIR: this.#dir,
      TALLY_SMTP_HOST: 'localhost',
      TALLY_SMTP_PORT: String(this.smtp.port),
      TALLY_SMTP_USER: SMTP_LOGIN.user,
      TALLY_SMTP_PASSWORD: SMTP_LOGIN.password,
      TALLY_SMTP_FROM: 'tally@tally.example',
      TALLY_SMTP_CA_FILE: join(this.#dir, 'ca.pem'),
      TALLY_TARGET_OLD: SECRETS.old,
      TALLY_TARGET_CHAT: `${this.http.url}/accepted?key=${CHAT_TOKEN}`,
      TALLY_TARGET_QUERY: `${this.http.url}/echoes?token=${QUERY_TOKEN}`,
    };
  }

  async notifier(env: Record<string, string> = {}, more: Partial<StartOptions> = {}): Promise<StagedNotifier> {
    const config = parseConfig(notifierConfig, { ...this.settings(), ...env });
    const registry = createRegistry();
    const options = { config, env: { ...this.settings(), ...env }, registry, log: this.#log };
    const one = await createNotifier({ ...options, clock: () => this.now, random: () => 0.5, ...more });
    this.#running.push(one);
    const round = async (): Promise<void> => {
      await one.notifier.tick();
      await one.notifier.settled();
    };
    return { ...one, registry, round };
  }

  /** One that was stopped already. */
  forget({ notifier }: RunningNotifier): void {
    this.#running = this.#running.filter((one) => one.notifier !== notifier);
  }

  async setTargets(...targets: object[]): Promise<void> {
    const change = { now: this.now, by: 'ada', because: 'a test', targets: alertTargets.parse(targets) };
    await changeTargets(this.system.clickhouse, change);
  }

  /** A webhook to a path of the receiver. */
  hook(path: string, more: object = {}): object {
    return {
      id: path.slice(1),
      kind: 'webhook',
      address: `${this.http.url}${path}`,
      secrets: ['env:TALLY_TARGET_OLD', 'file:hook-secret'],
      ...more,
    };
  }

  change(id: string, alert: Partial<AlertChange['alert']> = {}): AlertChange {
    const at = new Date(this.now).toISOString();
    return {
      id,
      change: 'opened',
      at,
      alert: {
        id: `alert-${id}`,
        tenantId: 'contoso',
        rule: 'quota-share',
        subject: 'interactions',
        period: '2026-11',
        state: 'open',
        severity: 'warning',
        highestSeverity: 'warning',
        openedAt: at,
        resolvedAt: null,
        value: 91,
        threshold: 90,
        unit: 'percent',
        title: 'contoso has used 91 % of <b>its</b> interactions',
        detail: 'At this rate the month ends over its quota.',
        figures: { owned: 100 },
        ...alert,
      },
    };
  }

  /** Puts changes into the outbox; the ids. */
  async write(changes: readonly AlertChange[], told = 1): Promise<string[]> {
    await this.system.clickhouse.insert(
      'alert_changes',
      changes.map((one) => ({
        change_id: one.id,
        alert_id: one.alert.id,
        tenant_id: one.alert.tenantId ?? '',
        at: dateTime64(Date.parse(one.at)),
        document: JSON.stringify(one),
        told,
      })),
    );
    return changes.map(({ id }) => id);
  }

  /** The rows of a change at a target, attempts only. */
  async attempts(changeId: string, targetId?: string): Promise<Delivery[]> {
    const rows = await deliveriesOf(this.system.clickhouse, [changeId]);
    return rows.filter((row) => row.attempt > 0 && (targetId === undefined || row.targetId === targetId));
  }
}
