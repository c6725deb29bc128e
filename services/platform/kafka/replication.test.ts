import { describe, expect, it } from 'vitest';
import { replicationFault, replicationFor, withFactor } from './replication.ts';

describe('copies of a topic', () => {
  it.each([
    // copies, in sync, wanted
    [1, 1, 1, undefined],
    [1, 1, 2, 'TOPIC_REPLICATION'],
    [1, 1, 3, 'TOPIC_REPLICATION'],
    [2, 1, 2, undefined],
    [2, 2, 2, undefined],
    [2, 2, 3, 'TOPIC_REPLICATION'],
    [3, 1, 3, 'TOPIC_MIN_INSYNC'],
    [3, 2, 3, undefined],
    [3, 3, 3, 'TOPIC_MIN_INSYNC'],
    // One broker of three is up: its topics are as they were.
    [3, 2, 1, undefined],
    [5, 1, 3, 'TOPIC_MIN_INSYNC'],
    [5, 4, 3, undefined],
    [5, 5, 3, 'TOPIC_MIN_INSYNC'],
    [3, 2, 5, 'TOPIC_REPLICATION'],
  ])('%i, %i of them in sync, where %i are wanted: %s', (factor, inSync, wanted, code) => {
    const fault = replicationFault('t', { factor, inSync }, wanted);
    expect(fault?.code).toBe(code);
    if (fault) expect(fault.retriable).toBe(false);
  });

  it.each([
    [1, 1, 1],
    [2, 2, 1],
    [3, 3, 2],
    [7, 3, 2],
  ])('on %i brokers are created %i, %i in sync', (brokers, replicationFactor, inSyncMin) => {
    expect(replicationFor(brokers)).toEqual({ replicationFactor, inSyncMin });
    expect(
      replicationFault('t', { factor: replicationFactor, inSync: inSyncMin }, Math.min(3, brokers)),
    ).toBeUndefined();
  });

  it.each([1, 2, 3, 5])('created as somebody asks, %i, are taken', (factor) => {
    const { inSyncMin } = withFactor(factor);
    expect(replicationFault('t', { factor, inSync: inSyncMin }, factor)).toBeUndefined();
  });
});
