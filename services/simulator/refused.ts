/**
 * CloudEvents that the gateway must refuse, each breaking one rule of the contract.
 */
import type { Interaction } from '@tally/schemas';
import { cloudEventOf } from './cloud-event.ts';
import type { RefusedSend } from './sends.ts';

type Spoil = (event: Record<string, unknown>, data: Record<string, unknown>) => Record<string, unknown>;

const RULES: readonly (readonly [string, Spoil])[] = [
  ['unknown channel', (event, data) => ({ ...event, data: { ...data, channel: 'pigeon' } })],
  ['unknown type', (event) => ({ ...event, type: 'tally.interaction.v9' })],
  ['no time', (event) => without(event, 'time')],
  ['entity id empty', (event, data) => ({ ...event, data: { ...data, entityId: '' } })],
  ['event id of 10,000 bytes', (event) => ({ ...event, id: 'x'.repeat(10_000) })],
  ['date in 1970', (event) => ({ ...event, time: '1970-01-01T00:00:00Z' })],
  ['date in 2100', (event) => ({ ...event, time: '2100-01-01T00:00:00Z' })],
  ['tenant id with a blank', (event, data) => ({ ...event, data: { ...data, tenantId: 'two words' } })],
  ['no data', (event) => without(event, 'data')],
  ['unknown field', (event, data) => ({ ...event, data: { ...data, chanel: 'email' } })],
  ['another specversion', (event) => ({ ...event, specversion: '0.3' })],
  ['no source', (event) => without(event, 'source')],
  ['unknown entity type', (event, data) => ({ ...event, data: { ...data, entityType: 'robot' } })],
  ['control character', (event, data) => ({ ...event, data: { ...data, entityId: 'line\nbreak' } })],
  ['time is no time', (event) => ({ ...event, time: 'yesterday' })],
  ['no environment', (event, data) => ({ ...event, data: without(data, 'environmentId') })],
  ['no id', (event) => without(event, 'id')],
  ['no channel', (event, data) => ({ ...event, data: without(data, 'channel') })],
];

/** How many different rules are broken in turn. */
export const REFUSED_KINDS = RULES.length;

/**
 * A CloudEvent to be refused.
 * @param turn the number of those before it: the rules take turns
 * @param sound a valid interaction to spoil; it is not sent otherwise
 */
export function refusedRequest(turn: number, sound: Interaction): RefusedSend {
  const [rule, spoil] = RULES[turn % RULES.length] ?? ['no event', () => ({})];
  const event = cloudEventOf({ schema: 'Interaction', value: sound });
  return { kind: 'refused', lane: 'gateway', refused: { rule, cloudEvent: spoil(event, event.data) } };
}

function without(object: Record<string, unknown>, name: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));
}
