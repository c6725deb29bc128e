/**
 * A statement as tables, for people.
 */
import type { Statement } from '@tally/statements';
import { breakdown, count, print, table } from './print.ts';

export function tellStatement(statement: Statement): void {
  const { tenantId, month, number, period, issuedAt, issuedBy, interactions, engagedPeople, unifiedPeople } = statement;
  print(`${tenantId}, ${month}: statement ${number}, ${period.firstDay} to ${period.lastDay}\n`);
  print(`issued ${issuedAt} by ${issuedBy}\n`);
  const titles = ['owned', 'used', 'left', 'over'].map((title) => ({ title, right: true }));
  const row = (name: string, when: string, { owned, used, remaining, overage }: Statement['engagedPeople']['peak']) => [
    name,
    when,
    ...[owned, used, remaining].map(count),
    overage === 0 ? '' : count(overage),
  ];
  print(
    table(
      [{ title: '' }, { title: 'on' }, ...titles],
      [
        row('interactions', month, { day: month, ...interactions }),
        row('engaged people', engagedPeople.day, engagedPeople),
        row('  at their peak', engagedPeople.peak.day, engagedPeople.peak),
        row('unified people', unifiedPeople.day, unifiedPeople),
        row('  at their peak', unifiedPeople.peak.day, unifiedPeople.peak),
      ],
    ),
  );
  if (!unifiedPeople.known) print('Unified people were not worked out up to the month’s end.\n');
  if (interactions.peakDay) {
    print(`most interactions: ${count(interactions.peakDay.used)} on ${interactions.peakDay.day}; `);
    print(`by channel: ${breakdown(interactions.byChannel)}\n`);
  }
  tellYear(statement);
  tellAdjustments(statement);
  print(`policy: ${statement.policy}\n`);
  print(`digest ${statement.digest}\nbefore ${statement.previousDigest ?? 'none, it is the first'}\n`);
}

function tellYear({ licenceYear }: Statement): void {
  if (!licenceYear) {
    print('no licence\n');
    return;
  }
  const { from, until, peopleToBuy, unifiedPeopleToBuy, engagedPeople } = licenceYear;
  const peak = engagedPeople.peakDay ? `, peak ${count(engagedPeople.peak)} on ${engagedPeople.peakDay}` : '';
  print(`licence year from ${from} until ${until}${peak}: `);
  if (peopleToBuy === 0 && unifiedPeopleToBuy === 0) print('nothing to buy so far\n');
  else print(`${count(peopleToBuy)} engaged and ${count(unifiedPeopleToBuy)} unified people to buy so far\n`);
}

const NAMES: Readonly<Record<Statement['adjustments'][number]['figure'], string>> = {
  interactions: 'interactions',
  engagedPeople: 'engaged people at the month’s end',
  engagedPeoplePeak: 'engaged people at their peak',
  unifiedPeople: 'unified people at the month’s end',
  unifiedPeoplePeak: 'unified people at their peak',
};

function tellAdjustments({ adjustments }: Statement): void {
  if (adjustments.length === 0) return;
  const rows = adjustments.map(({ month, figure, stated, known, difference }) => [
    month,
    NAMES[figure],
    count(stated),
    count(known),
    `${difference > 0 ? '+' : ''}${count(difference)}`,
  ]);
  const numbers = ['stated so far', 'known now', 'adjustment'].map((title) => ({ title, right: true }));
  print(table([{ title: 'earlier month' }, { title: 'figure' }, ...numbers], rows));
}
