import { describe, expect, test } from 'vitest';
import { METERED_TOPIC_SETTINGS, RETENTION_MS_MIN, topicNames, topicOf } from './topics.ts';

test('the topics have the names that outsiders know, behind a prefix as it is', () => {
  expect(topicNames()).toEqual({
    interactions: 'tally.interactions.v1',
    profiles: 'tally.profiles.v1',
    deadLetters: 'tally.dead-letters.v1',
    alerts: 'tally.alerts.v1',
    statements: 'tally.statements.v1',
    schemas: 'tally.schemas.v1',
  });
  expect(topicNames('eu-').interactions).toBe('eu-tally.interactions.v1');
});

test.each([
  ['Interaction', 'x.tally.interactions.v1'],
  ['InteractionVoided', 'x.tally.interactions.v1'],
  ['ProfileRecord', 'x.tally.profiles.v1'],
] as const)('%s goes to %s', (schema, topic) => {
  expect(topicOf(topicNames('x.'), schema)).toBe(topic);
});

describe('the metered topics', () => {
  test('are created with what the consumer asks for at its start', () => {
    expect(METERED_TOPIC_SETTINGS).toMatchObject({
      'cleanup.policy': 'delete',
      'message.timestamp.type': 'LogAppendTime',
      'retention.bytes': '-1',
    });
    expect(Number(METERED_TOPIC_SETTINGS['retention.ms'])).toBeGreaterThanOrEqual(RETENTION_MS_MIN);
  });
});
