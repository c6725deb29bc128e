/**
 * The topics and the settings Tally's guarantees rest on. A prefix lets several installations share a cluster.
 */
import type { SchemaName } from './records.ts';

export interface Topics {
  interactions: string;
  profiles: string;
  deadLetters: string;
  alerts: string;
  statements: string;
  schemas: string;
}

/** Topic names of version 1; `prefix` goes in front of each, as it is. */
export function topicNames(prefix = ''): Topics {
  return {
    interactions: `${prefix}tally.interactions.v1`,
    profiles: `${prefix}tally.profiles.v1`,
    deadLetters: `${prefix}tally.dead-letters.v1`,
    alerts: `${prefix}tally.alerts.v1`,
    statements: `${prefix}tally.statements.v1`,
    schemas: `${prefix}tally.schemas.v1`,
  };
}

/** The topic a record belongs on. */
export function topicOf(topics: Topics, schema: SchemaName): string {
  return schema === 'ProfileRecord' ? topics.profiles : topics.interactions;
}

/** 30 days: longer than the worst outage the consumer is meant to sit out. */
export const RETENTION_MS = 30 * 24 * 60 * 60 * 1000;

/** A retention below this is refused when the consumer starts: 7 days. */
export const RETENTION_MS_MIN = 7 * 24 * 60 * 60 * 1000;

/** Largest record the log takes, in bytes; the dead letters take a little more, for their headers. */
export const RECORD_BYTES_MAX = 1024 * 1024;

/**
 * Settings of the topics that are metered. `LogAppendTime`: the broker's clock decides retention and "too far in the
 * future", so a late event is not deleted early and a producer's wrong clock shows.
 */
export const METERED_TOPIC_SETTINGS: Readonly<Record<string, string>> = {
  'cleanup.policy': 'delete',
  'message.timestamp.type': 'LogAppendTime',
  'retention.ms': String(RETENTION_MS),
  'retention.bytes': '-1',
  'max.message.bytes': String(RECORD_BYTES_MAX),
};

/** Settings of the topics of dead letters, alerts and statements: kept for ever. */
export const KEPT_TOPIC_SETTINGS: Readonly<Record<string, string>> = {
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'max.message.bytes': String(RECORD_BYTES_MAX + 64 * 1024),
};

/** Settings of the topic of announced schemas: each connecting producer says its own again, one of each is kept for ever. */
export const LATEST_TOPIC_SETTINGS: Readonly<Record<string, string>> = {
  ...KEPT_TOPIC_SETTINGS,
  'cleanup.policy': 'compact',
};
