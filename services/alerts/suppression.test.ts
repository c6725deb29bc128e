import { describe, expect, it, test } from 'vitest';
import type { Alert, AlertChange, AlertChangeKind, Severity } from './alert.ts';
import { type Acknowledgement, acknowledgement, isTold, type Silence, silence, tellable } from './suppression.ts';

const moment = (hour: number): string => `2026-11-20T${String(hour).padStart(2, '0')}:00:00.000Z`;

function changed(change: AlertChangeKind, severity: Severity, hour: number, alert: Partial<Alert> = {}): AlertChange {
  return {
    id: 'a-1',
    change,
    at: moment(hour),
    alert: {
      id: 'a',
      tenantId: 'contoso',
      rule: 'quota-share-engaged',
      subject: 'engaged',
      period: '2026-01-01',
      state: change === 'resolved' ? 'resolved' : 'open',
      severity,
      highestSeverity: severity,
      openedAt: moment(1),
      resolvedAt: null,
      value: 1,
      threshold: 1,
      unit: 'share',
      title: 'T',
      detail: 'D',
      figures: {},
      ...alert,
    },
  };
}

const ack: Acknowledgement = {
  alertId: 'a',
  severity: 'warning',
  at: moment(5),
  until: null,
  by: 'ann',
  reason: 'known',
};
const quiet: Silence = {
  tenantId: 'contoso',
  rule: null,
  subject: null,
  from: moment(5),
  until: moment(8),
  by: 'ann',
  reason: 'a campaign',
};
const at = (hour: number, acks: Acknowledgement[], silences: Silence[]) => ({
  acks,
  silences,
  now: Date.parse(moment(hour)),
});

describe('an acknowledged alert is', () => {
  it.each<[string, AlertChange, Acknowledgement, boolean]>([
    ['not told where it is as bad', changed('raised', 'warning', 6), ack, false],
    ['not told where it is lowered', changed('lowered', 'info', 6), ack, false],
    ['told where it gets worse than was known', changed('raised', 'critical', 6), ack, true],
    ['told when it resolves', changed('resolved', 'warning', 6), ack, true],
    ['told where it crosses again afterwards', changed('raised', 'info', 6, { resolvedAt: moment(5) }), ack, true],
    ['not told where it had resolved before', changed('raised', 'info', 6, { resolvedAt: moment(4) }), ack, false],
    ['told where another one was acknowledged', changed('raised', 'info', 6), { ...ack, alertId: 'b' }, true],
    ['not told before the end', changed('raised', 'info', 6), { ...ack, until: moment(7) }, false],
    ['told from the end on', changed('raised', 'info', 6), { ...ack, until: moment(6) }, true],
  ])('%s', (_, change, one, told) => {
    expect(isTold(change, at(6, [one], []))).toBe(told);
  });
});

describe('a silenced alert is', () => {
  it.each<[string, AlertChange, Partial<Silence>, number, boolean]>([
    ['not told from the beginning on', changed('opened', 'critical', 5), {}, 5, false],
    ['told before', changed('opened', 'critical', 4), {}, 4, true],
    ['told from the end on', changed('opened', 'critical', 6), {}, 8, true],
    ['told of another tenant', changed('opened', 'info', 6, { tenantId: 'fabrikam' }), {}, 6, true],
    ['told of operators', changed('opened', 'info', 6, { tenantId: null }), {}, 6, true],
    [
      'not told of operators who are silenced',
      changed('opened', 'info', 6, { tenantId: null }),
      { tenantId: null },
      6,
      false,
    ],
    ['told of another rule', changed('opened', 'info', 6), { rule: 'peak-overrun' }, 6, true],
    ['not told of the rule', changed('opened', 'info', 6), { rule: 'quota-share-engaged' }, 6, false],
    ['told of another subject', changed('opened', 'info', 6), { subject: 'unified' }, 6, true],
    ['told to resolve where it was told to be open', changed('resolved', 'info', 6), {}, 6, true],
    [
      'not told to resolve where it opened in silence',
      changed('resolved', 'info', 6, { openedAt: moment(5) }),
      {},
      6,
      false,
    ],
  ])('%s', (_, change, of, hour, told) => {
    expect(isTold(change, at(hour, [], [{ ...quiet, ...of }]))).toBe(told);
  });
});

describe('when a silence ends', () => {
  const opened = changed('opened', 'critical', 6, { openedAt: moment(6) });
  const resolved = changed('resolved', 'critical', 7, { openedAt: moment(6) });

  it.each<[string, AlertChange, told: boolean, everTold: boolean, hour: number, number]>([
    ['nothing is told before', opened, false, false, 7, 0],
    ['what is open is told', opened, false, false, 8, 1],
    ['what was told is not told again', opened, true, true, 8, 0],
    ['what came and went is not told', resolved, false, false, 8, 0],
    ['what was told to be open is told to be resolved', resolved, false, true, 8, 1],
  ])('%s', (_, change, told, everTold, hour, number) => {
    expect(tellable([{ change, told, everTold }], at(hour, [], [quiet]))).toHaveLength(number);
  });

  test('what was acknowledged meanwhile is not told', () => {
    const known = { ...ack, severity: 'critical' as const, at: moment(7) };
    expect(tellable([{ change: opened, told: false, everTold: false }], at(8, [known], [quiet]))).toEqual([]);
  });
});

describe('what people write', () => {
  it.each<[string, boolean]>([
    ['2026-11-20T06:00:00.000Z', true],
    ['2026-11-20T06:00:00Z', false],
    ['2026-11-20T06:00:00.000+01:00', false],
    ['2026-11-20', false],
  ])('has moments in one form: %s', (until, taken) => {
    expect(acknowledgement.safeParse({ ...ack, until }).success).toBe(taken);
  });

  test('has a reason, and a silence an end after its beginning', () => {
    expect(acknowledgement.safeParse({ ...ack, reason: ' ' }).success).toBe(false);
    expect(silence.safeParse(quiet).success).toBe(true);
    expect(silence.safeParse({ ...quiet, until: quiet.from }).success).toBe(false);
  });
});
