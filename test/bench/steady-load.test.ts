import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { EventSource } from './ingest-events.ts';
import { postUntilAccepted } from './steady-deliver.ts';
import { sendSteadily } from './steady-load.ts';

describe('a load', () => {
  it('sends every event once, at its rate, whether or not answers come', async () => {
    const seen = new Set<number>();
    let times = 0;
    const report = await sendSteadily({
      rate: 2_000,
      seconds: 1,
      deliver: async (from, until) => {
        for (let n = from; n < until; n++, times++) seen.add(n);
        await sleep(200);
      },
    });
    expect(report.planned).toBe(2_000);
    expect(report.sent).toBe(2_000);
    expect([seen.size, times]).toEqual([report.sent, report.sent]);
    expect(report.batches.p50Ms).toBeGreaterThan(150);
  });

  it('says how far it fell behind, and does not send faster than it is taken', async () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    let under = 0;
    let underMax = 0;
    const report = await sendSteadily({
      rate: 100_000,
      seconds: 2,
      deliver: async (from, until) => {
        under += until - from;
        underMax = Math.max(underMax, under);
        await sleep(500);
        under -= until - from;
      },
    });
    expect(said).toHaveBeenCalled();
    said.mockRestore();
    expect(underMax).toBeLessThanOrEqual(16_000);
    expect(report.sent).toBeLessThan(report.planned);
    expect(report.behindEventsMax).toBeGreaterThan(50_000);
    expect(report.behindSeconds).toBeGreaterThan(0);
  });

  it('fails when an event cannot be delivered', async () => {
    const deliver = () => Promise.reject(new Error('refused'));
    await expect(sendSteadily({ rate: 100, seconds: 1, deliver })).rejects.toThrow('refused');
  });
});

describe('events posted to a gateway', () => {
  let server: Server;

  afterEach(() => server.close());

  /** Answers with these, one after the other, and keeps what it was sent. */
  async function gateway(...answers: { status: number; body: object }[]) {
    const bodies: unknown[] = [];
    server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      bodies.push(JSON.parse(body));
      const answer = answers[bodies.length - 1] ?? { status: 202, body: {} };
      response.writeHead(answer.status).end(JSON.stringify(answer.body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return { bodies, address: { url: `http://127.0.0.1:${port}`, key: 'key' } };
  }

  it('are sent again until all are accepted, those that were not', async () => {
    const failed = (index: number, code: string) => ({ index, status: 'failed', code });
    const { bodies, address } = await gateway(
      { status: 429, body: {} },
      { status: 207, body: { events: [failed(0, 'back-pressure'), { index: 1, status: 'accepted' }] } },
      { status: 503, body: { events: [failed(0, 'kafka-unavailable')] } },
    );
    const delivered = { accepted: 0, resent: 0, uncertain: 0 };
    await postUntilAccepted(address, ['1', '2'], delivered);
    expect(bodies).toEqual([[1, 2], [1, 2], [1], [1]]);
    expect(delivered).toEqual({ accepted: 2, resent: 4, uncertain: 1 });
  });

  it('end the run when one is refused', async () => {
    const { address } = await gateway({ status: 400, body: { events: [{ index: 0, status: 'refused' }] } });
    const sent = postUntilAccepted(address, ['1'], { accepted: 0, resent: 0, uncertain: 0 });
    await expect(sent).rejects.toMatchObject({ code: 'BENCH_EVENT_REFUSED' });
  });
});

it('the first events of a plan are as many different ones as it says', () => {
  const plan = { events: 10_000, partitions: 8, until: Date.now(), times: 'ordered' } as const;
  const source = new EventSource(plan);
  const ids = new Set<string>();
  const wrong: number[] = [];
  for (let n = 0; n < plan.events; n++) {
    const { value } = source.at(n);
    ids.add(`${value.tenantId}/${value.environmentId}/${value.entityType}/${value.entityId}/${value.eventId}`);
    if (ids.size !== source.distinctBelow(n + 1)) wrong.push(n);
  }
  expect(wrong).toEqual([]);
});
