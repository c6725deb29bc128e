/**
 * What the services tell of themselves as processes, held against docs/metrics.md; and that each of their log lines is one
 * JSON object with what a log store sorts by.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { interaction } from '../support/interaction.ts';
import { ADMIN_KEY, eventually, freshTenant, type ServiceProcess, TestSystem } from '../support/system.ts';
import { documentedMetrics, type ScrapedMetric, SERVICES, type Service, scrapedMetrics } from './documented-metrics.ts';

/** They have samples only when something went wrong, or when there is somebody to tell. */
const WITHOUT_SAMPLES = new Set([
  'tally_http_problems_total',
  'tally_consumer_failures_total',
  'tally_clickhouse_failures_total',
  'tally_job_overlaps_total',
  'tally_notifier_attempts_total',
  'tally_notifier_undeliverable_total',
  'tally_notifier_waiting',
  'tally_notifier_oldest_waiting_age_seconds',
  'tally_pipeline_expires_in_seconds',
  'nodejs_active_requests',
]);

describe('metrics', () => {
  const documented = documentedMetrics();
  const tenantId = freshTenant('metrics');
  const services = new Map<Service, ServiceProcess>();
  const scraped = new Map<Service, ScrapedMetric[]>();
  let system: TestSystem;

  const urlOf = (service: Service): string => services.get(service)?.url ?? '';
  const scrape = async (service: Service): Promise<ScrapedMetric[]> =>
    scrapedMetrics(await (await fetch(`${urlOf(service)}/metrics`)).text());

  beforeAll(async () => {
    system = await TestSystem.create('metrics');
    const env = {
      TALLY_LOG_LEVEL: 'debug',
      TALLY_LOG_CHECK_INTERVAL_MS: '200',
      TALLY_AGGREGATE_CRON: '* * * * * *',
      TALLY_ALERTS_CRON: '* * * * * *',
      TALLY_NOTIFIER_PORT: '0',
    };
    await Promise.all(
      SERVICES.map(async (service) => services.set(service, await system.service(`${service}/main.ts`, env))),
    );
    const producer = system.producer();
    await producer.send({ schema: 'Interaction', value: interaction({ tenantId }) });
    const key = Buffer.from('x');
    await system.sender.send([{ topic: system.topics.interactions, key, value: Buffer.from('x') }]);
    await system.caughtUp();
    const headers = { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' };
    const { data, ...event } = {
      specversion: '1.0',
      type: 'tally.interaction.v1',
      source: '/test',
      id: 'm-1',
      time: '2026-03-01T12:00:00Z',
      data: { tenantId, environmentId: 'prod', entityType: 'contact', entityId: 'c-1', channel: 'email' },
    };
    const body = JSON.stringify({ ...event, data });
    const sent = { ...headers, 'content-type': 'application/cloudevents+json' };
    expect((await fetch(`${urlOf('gateway')}/v1/events`, { method: 'POST', headers: sent, body })).status).toBe(202);
    await fetch(`${urlOf('api')}/v1/tenants/${tenantId}/interactions?from=2026-03&to=2026-03`, { headers });
    // Until a run has published, a look has seen the pipeline, and each has said so.
    await eventually(async () => {
      for (const service of SERVICES) scraped.set(service, await scrape(service));
      const silent = documented.flatMap(({ name, labels, services: by }) =>
        labels.length === 0 || WITHOUT_SAMPLES.has(name)
          ? []
          : by.filter((service) => {
              const found = scraped.get(service)?.find((one) => one.name === name);
              return found && found.labels.length === 0 && !isIdle(service, name);
            }),
      );
      expect(silent).toEqual([]);
    }, 60_000);
  });

  afterAll(() => system.close());

  it.each(SERVICES)('of the %s are all documented, and all that is documented is there', (service) => {
    const expected = documented.filter(({ services: by }) => by.includes(service));
    const nameAndType = ({ name, type }: { name: string; type: string }): string => `${name} ${type}`;
    expect(scraped.get(service)?.map(nameAndType).sort()).toEqual(expected.map(nameAndType).sort());
  });

  it.each(SERVICES)('of the %s have the labels that are documented', (service) => {
    for (const { name, labels } of scraped.get(service) ?? []) {
      if (labels.length === 0) continue;
      const expected = documented.find((one) => one.name === name)?.labels ?? [];
      expect([name, ...labels.toSorted()]).toEqual([name, ...expected.toSorted()]);
    }
  });

  it('are told to whoever asks, without a key', async () => {
    const answers = await Promise.all(SERVICES.map((service) => fetch(`${urlOf(service)}/metrics`)));
    expect(answers.map(({ status }) => status)).toEqual(SERVICES.map(() => 200));
  });

  it('follow Prometheus’s names: counters end in _total, nothing else of ours does, times are in seconds', () => {
    const ours = documented.filter(({ name }) => name.startsWith('tally_'));
    const misnamed = ours.filter(({ name, type }) => name.endsWith('_total') !== (type === 'counter'));
    expect(misnamed).toEqual([]);
    expect(ours.filter(({ name }) => /_(?:ms|millis|minutes|kb|mb|percent)(?:_|$)/.test(name))).toEqual([]);
  });

  it.each(SERVICES)('of the %s say which release it is, as each of its log lines does', (service) => {
    const lines = readFileSync(services.get(service)?.logFile ?? '', 'utf8')
      .trim()
      .split('\n');
    const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(entries.length).toBeGreaterThan(0);
    for (const entry of entries) {
      expect(entry).toMatchObject({
        service,
        version: manifest.version,
        pid: expect.any(Number),
        msg: expect.any(String),
      });
      expect(entry['level']).toMatch(/^(?:debug|info|warn|error|fatal)$/);
      expect(new Date(String(entry['time'])).toISOString()).toBe(entry['time']);
    }
  });
});

/** The gateway asks ClickHouse for keys that are not in its configuration, and nobody has sent such a one. */
function isIdle(service: Service, name: string): boolean {
  return service === 'gateway' && name === 'tally_clickhouse_request_duration_seconds';
}
