import { describe, expect, it } from 'vitest';
import { TallyError } from '../errors.ts';
import { inTurn } from './quorum.ts';

const MET_ANOTHER = 'CLICKHOUSE_UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE';
const failingWith = (code: string, times: number) => {
  const insert = { runs: 0, run: async () => 'done' };
  insert.run = async () => {
    if (++insert.runs <= times) throw new TallyError('refused', { code, retriable: true });
    return 'done';
  };
  return insert;
};

describe('an insert into a replicated table', () => {
  it('that meets others waits for its turn', async () => {
    const insert = failingWith(MET_ANOTHER, 3);
    await expect(inTurn(insert.run)).resolves.toBe('done');
    expect(insert.runs).toBe(4);
  });

  it.each(['CLICKHOUSE_TOO_FEW_LIVE_REPLICAS', 'CLICKHOUSE_UNKNOWN_STATUS_OF_INSERT', 'CLICKHOUSE_UNAVAILABLE'])(
    'that failed with %s is not made again here: it may have been written',
    async (code) => {
      const insert = failingWith(code, 1);
      await expect(inTurn(insert.run)).rejects.toMatchObject({ code });
      expect(insert.runs).toBe(1);
    },
  );
});
