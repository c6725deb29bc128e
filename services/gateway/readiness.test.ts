import { expect, it } from 'vitest';
import { kafkaReadiness } from './readiness.ts';

it('asks at most once a second and says why Kafka is away', async () => {
  let asked = 0;
  let now = 0;
  const ready = kafkaReadiness(
    async () => {
      asked++;
      if (asked > 1) throw new Error('no broker');
    },
    () => now,
  );
  expect(await Promise.all([ready(), ready()])).toMatchObject([{ ok: true }, { ok: true }]);
  now = 999;
  expect(await ready()).toMatchObject({ ok: true });
  expect(asked).toBe(1);
  now = 1_000;
  expect(await ready()).toEqual({ ok: false, detail: 'Kafka does not answer: no broker' });
  expect(asked).toBe(2);
});
