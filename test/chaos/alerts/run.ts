/**
 * A run: step after step of the tenants' figures, while the processes that publish, decide and deliver are killed at every
 * place in turn. Each step waits until its figures are published and looked at, so that what must be told is known; it
 * does not wait for deliveries.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AGGREGATE_JOB } from '@tally/aggregator';
import { lastSucceeded } from '@tally/figures';
import { alertTargets, changeTargets } from '@tally/notifier';
import { messageOf } from '@tally/platform/errors';
import { Random } from '@tally/simulator';
import { ALERTS_JOB } from '@tally/watch';
import { type Receipt, type Receiver, startReceiver } from '../../support/webhook-receiver.ts';
import { type ChaosSystem, stalled } from '../system.ts';
import { answers } from './answers.ts';
import { deathPlans, Lives } from './lives.ts';
import { AGGREGATOR_PLACES, type Death, NOTIFIER_PLACES } from './places.ts';
import { openDeliveries } from './stored.ts';
import { type ExpectedChange, Tenants } from './tenants.ts';

export interface AlertChaosForm {
  name: 'full' | 'short';
  /** SIGKILLs at each place. */
  deathsPerPlace: number;
  partitions: number;
}

export interface AlertChaosOptions {
  seed: number;
  form: AlertChaosForm;
  say: (line: string) => void;
}

/** What happened. */
export interface AlertChaos {
  rounds: number;
  tenants: number;
  expected: readonly ExpectedChange[];
  receipts: readonly Receipt[];
  deaths: readonly Death[];
  lives: number;
  unplanned: string[];
  durationMs: number;
}

export const FULL_ALERTS: AlertChaosForm = { name: 'full', deathsPerPlace: 12, partitions: 4 };
export const SHORT_ALERTS: AlertChaosForm = { name: 'short', deathsPerPlace: 1, partitions: 4 };

export const TARGET = 'receiver';
/** As many as a target may be told. */
const PER_MINUTE = 30_000;
/** Noon of a day in the middle of a month, so that no month ends in a run. */
const TENANTS_NOON = Date.parse('2026-03-10T12:00:00Z');
const POLL_MS = 25;
const STEP_MS_MAX = 120_000;
/** A delivery that failed is tried again after some seconds. */
const DELIVERED_MS_MAX = 120_000;
/** In which nothing more may come. */
const QUIET_MS = 1_500;
const SAY_EVERY_ROUNDS = 10;

export async function runAlertChaos(
  system: ChaosSystem,
  { seed, form, say }: AlertChaosOptions,
  stop: AbortSignal,
): Promise<AlertChaos> {
  const began = Date.now();
  const shiftMs = TENANTS_NOON - began;
  const random = new Random(seed);
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const receiver = await startReceiver({ secret, answer: answers(seed) });
  await setTarget(system, began);
  const clock = (): number => Date.now() + shiftMs;
  const tenants = await Tenants.create(system, { random, clock, partitions: form.partitions });
  const env = {
    ...system.env,
    POSITIONS: tenants.positionsFile,
    TIME_SHIFT_MS: String(shiftMs),
    TALLY_NOTIFY_PRIVATE_NETWORKS: '127.0.0.0/8',
    TALLY_NOTIFY_POLL_MS: '50',
    TALLY_TARGET_CHAOS: secret,
  };
  const aggregator = new Lives({
    name: 'aggregator',
    main: 'aggregator-that-dies.ts',
    dir: system.dir,
    env: () => env,
    plans: deathPlans(random, AGGREGATOR_PLACES, form.deathsPerPlace),
  });
  const notifier = new Lives({
    name: 'notifier',
    main: 'notifier-that-dies.ts',
    dir: system.dir,
    env: (life) => ({ ...env, TALLY_TARGET_CHAOS_URL: `${receiver.url}?life=${life}` }),
    plans: deathPlans(random, NOTIFIER_PLACES, form.deathsPerPlace),
  });
  let rounds = 0;
  try {
    aggregator.begin();
    notifier.begin();
    for (; !aggregator.done || !notifier.done; rounds++) {
      await step(system, tenants, { clock, stop });
      if (rounds % SAY_EVERY_ROUNDS !== 0) continue;
      const deaths = aggregator.deaths().length + notifier.deaths().length;
      say(`step ${rounds}: ${deaths} kills, ${tenants.expected.size} changes, ${receiver.receipts.length} received`);
    }
    // What is missing then is the verdict's to say.
    await settle(system, { tenants, receiver, stop }).catch((error: unknown) => say(messageOf(error)));
  } finally {
    await Promise.all([aggregator.stop(), notifier.stop()]);
    await receiver.close();
  }
  return {
    rounds,
    tenants: tenants.count,
    expected: [...tenants.expected.values()],
    receipts: receiver.receipts,
    deaths: [...aggregator.deaths(), ...notifier.deaths()],
    lives: aggregator.count + notifier.count,
    unplanned: [...aggregator.unplanned, ...notifier.unplanned],
    durationMs: Date.now() - began,
  };
}

/** Each life has an address of its own, so that it is known who sent what. */
async function setTarget({ clickhouse }: ChaosSystem, now: number): Promise<void> {
  const targets = alertTargets.parse([
    {
      id: TARGET,
      kind: 'webhook',
      address: 'env:TALLY_TARGET_CHAOS_URL',
      secrets: ['env:TALLY_TARGET_CHAOS'],
      perMinute: PER_MINUTE,
    },
  ]);
  await changeTargets(clickhouse, { now, by: 'chaos', because: 'a run', targets });
}

/** A step of the tenants, published and looked at, however often who does it is killed. */
async function step(
  { clickhouse }: ChaosSystem,
  tenants: Tenants,
  { clock, stop }: { clock: () => number; stop: AbortSignal },
): Promise<void> {
  const hasRun = (job: string, since: number) => async (): Promise<boolean> =>
    ((await lastSucceeded(clickhouse, job)) ?? 0) >= since;
  await tenants.move();
  await until('no run of the aggregator', { msMax: STEP_MS_MAX, stop, holds: hasRun(AGGREGATE_JOB, clock()) });
  await until('no look for alerts', { msMax: STEP_MS_MAX, stop, holds: hasRun(ALERTS_JOB, clock()) });
  await tenants.expect();
}

/** Until everything that had to be told has arrived and is on record, and some time more in which nothing may come. */
async function settle(
  { clickhouse }: ChaosSystem,
  { tenants, receiver, stop }: { tenants: Tenants; receiver: Receiver; stop: AbortSignal },
): Promise<void> {
  const told = [...tenants.expected.values()].filter((one) => one.told);
  const holds = async (): Promise<boolean> => {
    const received = new Set(receiver.receipts.filter(({ status }) => status === 200).map(({ id }) => id));
    return told.every(({ id }) => received.has(id)) && (await openDeliveries(clickhouse)) === 0;
  };
  await until('not everything was delivered', { msMax: DELIVERED_MS_MAX, stop, holds });
  await sleep(QUIET_MS);
}

async function until(
  what: string,
  { msMax, stop, holds }: { msMax: number; stop: AbortSignal; holds: () => Promise<boolean> },
): Promise<void> {
  for (const deadline = Date.now() + msMax; !(await holds()); await sleep(POLL_MS)) {
    stop.throwIfAborted();
    if (Date.now() > deadline) throw stalled(`${what} within ${msMax} ms`);
  }
}
