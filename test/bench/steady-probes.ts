/**
 * How fresh figures are: single events of tenants of their own, each timed from its 202 until the api's figure has it.
 * A tenant has one such event under way at a time.
 *
 * What asks must not be the load. So ClickHouse is asked about all events under way in one small query, and the api only
 * about one that is there: it reads the same table, and cannot have it earlier.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { dayOf, monthOf } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import { TallyError } from '@tally/platform/errors';
import { cloudEventText, type Delivered, type GatewayAddress, postUntilAccepted } from './steady-deliver.ts';
import { percentile } from './timing.ts';

export interface ProbeTarget {
  clickhouse: ClickHouse;
  gateway: GatewayAddress;
  apiUrl: string;
}

export interface Spread {
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  maxMs: number;
}

export interface Freshness {
  everyMs: number;
  pollMs: number;
  tenants: number;
  /** Sent, and in the log. */
  sent: number;
  /** Of these, those that the times are of: without those of the first seconds, when services have just started. */
  measured: number;
  /** Turns at which every tenant had an event under way. */
  skipped: number;
  /** Not seen within a minute; they are in the times with that minute. */
  unseen: number;
  /** Answers of the api other than 200; it was asked again. */
  apiErrors: number;
  /** A call of the api, those included that did not show the event yet. */
  callMs: Spread;
  /** From the request to its 202, which is not in the times below. */
  acceptedMs: Spread;
  /** From the 202 until ClickHouse has it. */
  countedMs: Spread;
  /** From the 202 until the api's figure has it. */
  shownMs: Spread;
}

interface Probe {
  requestMs: number;
  countedMs: number | null;
  shownMs: number | null;
}

const EVERY_MS = 200;
const POLL_MS = 50;
const TENANTS = 20;
const WARM_UP_MS = 10_000;
const SEEN_MS_MAX = 60_000;

/** Sends events until it is stopped, then waits for those under way. */
export class Probes {
  readonly delivered: Delivered = { accepted: 0, resent: 0, uncertain: 0 };
  readonly #target: ProbeTarget;
  readonly #free = Array.from({ length: TENANTS }, (_, index) => `probe-${String(index + 1).padStart(2, '0')}`);
  /** Events of each tenant so far. */
  readonly #sent = new Map<string, number>();
  /** Tenants whose event ClickHouse does not have yet, and who is told. */
  readonly #waiting = new Map<string, () => void>();
  readonly #probes: Probe[] = [];
  readonly #callMs: number[] = [];
  readonly #fromMonth = monthOf(dayOf(Date.now()));
  #skipped = 0;
  #apiErrors = 0;

  constructor(target: ProbeTarget) {
    this.#target = target;
  }

  async until(over: AbortSignal): Promise<void> {
    const under = new Set<Promise<void>>();
    let failure: unknown;
    const begun = performance.now();
    const watched = new AbortController();
    const watching = this.#watchCounted(watched.signal).catch((error: unknown) => {
      failure ??= error;
    });
    while (!over.aborted && failure === undefined) {
      const tenantId = this.#free.shift();
      if (tenantId === undefined) this.#skipped++;
      else {
        const isWarmUp = performance.now() - begun < WARM_UP_MS;
        const one: Promise<void> = this.#probe(tenantId)
          .then((probe) => {
            if (!isWarmUp) this.#probes.push(probe);
            this.#free.push(tenantId);
          })
          .catch((error: unknown) => {
            failure ??= error;
          })
          .finally(() => under.delete(one));
        under.add(one);
      }
      await sleep(EVERY_MS, undefined, { signal: over }).catch(() => undefined);
    }
    await Promise.all(under);
    watched.abort();
    await watching;
    if (failure !== undefined) throw failure;
  }

  freshness(): Freshness {
    const spread = (of: (probe: Probe) => number | null): Spread =>
      spreadOf(this.#probes.map((probe) => of(probe) ?? SEEN_MS_MAX));
    return {
      everyMs: EVERY_MS,
      pollMs: POLL_MS,
      tenants: TENANTS,
      sent: this.delivered.accepted,
      measured: this.#probes.length,
      skipped: this.#skipped,
      unseen: this.#probes.filter(({ shownMs }) => shownMs === null).length,
      apiErrors: this.#apiErrors,
      callMs: spreadOf(this.#callMs),
      acceptedMs: spread(({ requestMs }) => requestMs),
      countedMs: spread(({ countedMs }) => countedMs),
      shownMs: spread(({ shownMs }) => shownMs),
    };
  }

  async #probe(tenantId: string): Promise<Probe> {
    const number = (this.#sent.get(tenantId) ?? 0) + 1;
    this.#sent.set(tenantId, number);
    const from = performance.now();
    await postUntilAccepted(this.#target.gateway, [eventText(tenantId, number)], this.delivered);
    const accepted = performance.now();
    const probe: Probe = { requestMs: accepted - from, countedMs: null, shownMs: null };
    if (!(await this.#counted(tenantId))) return probe;
    probe.countedMs = performance.now() - accepted;
    for (; performance.now() - accepted < SEEN_MS_MAX; await sleep(POLL_MS)) {
      const asked = performance.now();
      const shown = await this.#shown(tenantId);
      this.#callMs.push(performance.now() - asked);
      if (shown < number) continue;
      probe.shownMs = performance.now() - accepted;
      break;
    }
    return probe;
  }

  /** Resolves when ClickHouse has all of the tenant's events; false when that takes too long. */
  async #counted(tenantId: string): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const late = setTimeout(() => resolve(false), SEEN_MS_MAX);
    this.#waiting.set(tenantId, () => resolve(true));
    try {
      return await promise;
    } finally {
      clearTimeout(late);
      this.#waiting.delete(tenantId);
    }
  }

  async #watchCounted(over: AbortSignal): Promise<void> {
    for (; !over.aborted; await sleep(POLL_MS)) {
      if (this.#waiting.size === 0) continue;
      const rows = await this.#target.clickhouse.query<{ tenant_id: string; events: string }>(
        `SELECT tenant_id, bitmapCardinality(groupBitmapMergeState(counted)) AS events
         FROM daily_interactions
         WHERE tenant_id IN {tenants:Array(String)}
         GROUP BY tenant_id`,
        { tenants: [...this.#waiting.keys()] },
      );
      for (const { tenant_id: tenantId, events } of rows) {
        if (Number(events) >= (this.#sent.get(tenantId) ?? 0)) this.#waiting.get(tenantId)?.();
      }
    }
  }

  /** The tenant's interactions, as the api says now; -1 when it does not say. */
  async #shown(tenantId: string): Promise<number> {
    const { apiUrl, gateway } = this.#target;
    const to = monthOf(dayOf(Date.now()));
    const answer = await fetch(`${apiUrl}/v1/tenants/${tenantId}/interactions?from=${this.#fromMonth}&to=${to}`, {
      headers: { authorization: `Bearer ${gateway.key}` },
      signal: AbortSignal.timeout(SEEN_MS_MAX),
    }).catch(() => null);
    if (answer?.status === 401 || answer?.status === 403) {
      throw new TallyError(`the api answered ${answer.status}`, { code: 'BENCH_API_REFUSED', retriable: false });
    }
    if (answer?.status !== 200) {
      this.#apiErrors++;
      return -1;
    }
    const { months } = (await answer.json()) as { months: { total: number }[] };
    return months.reduce((sum, { total }) => sum + total, 0);
  }
}

function spreadOf(times: readonly number[]): Spread {
  const ascending = [...times].sort((a, b) => a - b);
  const at = (share: number): number => Math.round(percentile(ascending, share));
  return { p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), maxMs: at(1) };
}

function eventText(tenantId: string, number: number): string {
  return cloudEventText({
    eventId: `probe-${number}`,
    tenantId,
    environmentId: 'production',
    entityType: 'contact',
    entityId: 'contact-1',
    channel: 'email',
    direction: 'outbound',
    occurredAt: Date.now(),
    journeyId: null,
    provider: null,
  });
}
