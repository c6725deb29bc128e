/**
 * Holds what was received against what had to be told, and against the kills: nothing lost, nothing told that should not
 * be, nothing told again but what a kill kept from being recorded.
 */
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { Receipt } from '../../support/webhook-receiver.ts';
import { PLACES, type Place } from './places.ts';
import { type AlertChaos, type AlertChaosForm, TARGET } from './run.ts';
import { type StoredDelivery, storedChanges, storedDeliveries } from './stored.ts';

export interface AlertVerdict {
  ok: boolean;
  deathsPerPlace: ReadonlyMap<Place, number>;
  /** Changes that had to be told, and those that a silence kept back. */
  told: number;
  keptBack: number;
  /** Changes that the receiver never took. */
  lost: number;
  /** Receipts beyond the first of each change; all of them explained by kills where `differences` says nothing. */
  repeated: number;
  /** The most often that one change was taken. */
  mostReceipts: number;
  /** What the receiver did not take: it failed or dropped the connection. */
  failedAnswers: number;
  differences: string[];
  shortfalls: string[];
}

export async function judgeAlerts(
  clickhouse: ClickHouse,
  chaos: AlertChaos,
  form: AlertChaosForm,
): Promise<AlertVerdict> {
  const told = new Set(chaos.expected.filter((one) => one.told).map(({ id }) => id));
  const taken = Map.groupBy(
    chaos.receipts.filter(({ status }) => status === 200),
    ({ id }) => id,
  );
  const sent = Map.groupBy(chaos.receipts, ({ id }) => id);
  const recorded = new Map((await storedDeliveries(clickhouse)).map((one) => [`${one.changeId} ${one.targetId}`, one]));
  const lost = [...told].filter((id) => !taken.has(id));
  const differences = [
    ...(await differencesOfDecisions(clickhouse, chaos)),
    ...lost.map((id) => `${id} had to be told and never arrived`),
    ...[...sent.keys()].filter((id) => !told.has(id)).map((id) => `${id} arrived and should not have`),
    ...[...sent].flatMap(([id, receipts]) => differencesOfOne(id, receipts, recorded.get(`${id} ${TARGET}`))),
  ];
  const { deaths } = chaos;
  const deathsPerPlace = new Map(PLACES.map((place) => [place, deaths.filter((one) => one.place === place).length]));
  const shortfalls = PLACES.flatMap((place) => {
    const done = deathsPerPlace.get(place) ?? 0;
    return done < form.deathsPerPlace ? [`${done} of ${form.deathsPerPlace} kills at ${place}`] : [];
  });
  const times = [...taken.values()].map(({ length }) => length);
  return {
    ok: differences.length === 0 && shortfalls.length === 0 && chaos.unplanned.length === 0,
    deathsPerPlace,
    told: told.size,
    keptBack: chaos.expected.length - told.size,
    lost: lost.length,
    repeated: times.reduce((sum, one) => sum + one - 1, 0),
    mostReceipts: Math.max(0, ...times),
    failedAnswers: chaos.receipts.filter(({ status }) => status !== 200).length,
    differences,
    shortfalls,
  };
}

/** Between what is stored and what the figures had to lead to. */
async function differencesOfDecisions(clickhouse: ClickHouse, { expected }: AlertChaos): Promise<string[]> {
  const stored = new Map((await storedChanges(clickhouse)).map((one) => [one.change.id, one]));
  const differences: string[] = [];
  for (const { id, change, severity, value, told } of expected) {
    const found = stored.get(id);
    stored.delete(id);
    const is = found
      ? `${found.change.change} ${found.change.alert.severity} ${found.change.alert.value} ${toldOrNot(found.told)}`
      : 'not there';
    const should = `${change} ${severity} ${value} ${toldOrNot(told)}`;
    if (is !== should) differences.push(`change ${id} is ${is} and should be ${should}`);
    if (found && found.documents > 1) differences.push(`change ${id} was written with ${found.documents} contents`);
  }
  for (const [id, { change }] of stored) {
    differences.push(`change ${id}, ${change.change} ${change.alert.rule}, is stored and should not be`);
  }
  return differences;
}

function toldOrNot(told: boolean): string {
  return told ? 'told' : 'kept back';
}

/**
 * Of everything that came under one id. A life ends by a kill, but for the last one; so what several lives have sent, a kill
 * explains, and what one life has sent twice, nothing does.
 */
function differencesOfOne(id: string, receipts: readonly Receipt[], recorded: StoredDelivery | undefined): string[] {
  const differences: string[] = [];
  if (receipts.some(({ verified }) => !verified)) differences.push(`${id} came with a signature that is wrong`);
  if (new Set(receipts.map(({ body }) => body)).size > 1) differences.push(`${id} came with two contents`);
  const taken = receipts.filter(({ status }) => status === 200);
  for (const [life, own] of Map.groupBy(taken, ({ path }) => path)) {
    if (own.length > 1) differences.push(`${id} was told ${own.length} times by one life, ${life}`);
  }
  if (recorded?.delivered !== 1) {
    differences.push(`${id} is on record as delivered ${recorded?.delivered ?? 0} times`);
    return differences;
  }
  for (const { at } of taken) {
    if (at > recorded.deliveredAt) differences.push(`${id} was told again after its delivery was on record`);
  }
  // Of each life but the last that sent it, one attempt may not have been recorded.
  const kills = new Set(receipts.map(({ path }) => path)).size - 1;
  const unrecorded = receipts.length - recorded.attempts;
  if (unrecorded < 0 || unrecorded > kills) {
    differences.push(`${id} came ${receipts.length} times; ${recorded.attempts} are on record, and ${kills} kills`);
  }
  return differences;
}
