/**
 * Every tenant that the user may see. Who is over, or about to be, comes first.
 */
import { type ReactNode, useDeferredValue, useState } from 'react';
import type { OverviewAnswer, OverviewTenant } from '../api/answers.ts';
import { OFTEN_MS, useLive } from '../api/queries.ts';
import { CsvLink } from '../parts/csv-link.tsx';
import { AsOf, Waiting } from '../parts/panel.tsx';
import { inSight, needsAttention, ORDERS, type Order, type Sight, worstOf } from '../words/standing.ts';
import { words } from '../words/words.ts';
import { TenantTable } from './tenant-table.tsx';

const ORDER_WORDS: Readonly<Record<Order, string>> = {
  urgency: 'Most urgent first',
  name: 'Name',
  interactions: 'Interactions, share',
  engagedPeople: 'Engaged people, share',
  unifiedPeople: 'Unified people, share',
  alerts: 'Open alerts',
};
const SHOWN: readonly (readonly [Sight['show'], string])[] = [
  ['all', 'All'],
  ['attention', 'Needs attention'],
  ['alerts', 'With open alerts'],
];

const OVERVIEW = '/v1/overview';

export function OverviewPage(): ReactNode {
  const live = useLive<OverviewAnswer>(OVERVIEW, OFTEN_MS * 2);
  const [sight, setSight] = useState<Sight>({ text: '', show: 'all', order: 'urgency' });
  const seen = useDeferredValue(sight);
  const tenants = live.data?.tenants ?? [];
  const shown = inSight(tenants, seen);
  return (
    <>
      <div className="page-head">
        <h1>Overview</h1>
        <span className="panel-end">
          <AsOf live={live} />
          {tenants.length > 0 && <CsvLink path={OVERVIEW} of="all tenants" />}
        </span>
      </div>
      {live.data === undefined ? (
        <section className="panel wide" aria-busy={live.isPending} aria-label="Tenants">
          <Waiting live={live} lines={8} />
        </section>
      ) : (
        <>
          <Summary tenants={tenants} />
          <Controls sight={sight} onChange={setSight} shown={shown.length} all={tenants.length} />
          {shown.length > 0 ? (
            <TenantTable tenants={shown} />
          ) : (
            <p className="nothing panel">
              {tenants.length === 0
                ? 'No tenant yet: one appears with its first event.'
                : 'No tenant is as you ask. Change the search or the filter.'}
            </p>
          )}
        </>
      )}
    </>
  );
}

function Summary({ tenants }: { tenants: readonly OverviewTenant[] }): ReactNode {
  const over = tenants.filter((tenant) => worstOf(tenant) === 'over').length;
  const close = tenants.filter(needsAttention).length - over;
  const sum = (of: (tenant: OverviewTenant) => number): string =>
    words.count(tenants.reduce((total, tenant) => total + of(tenant), 0));
  const figures = [
    { name: 'Tenants', text: words.count(tenants.length), tone: '' },
    { name: 'Over quota', text: words.count(over), tone: over > 0 ? 'bad' : '' },
    { name: 'About to be', text: words.count(close), tone: close > 0 ? 'warn' : '' },
    { name: 'Critical alerts', text: sum(({ alerts }) => alerts.critical), tone: '' },
    { name: 'Interactions this month', text: sum(({ interactions }) => interactions.used), tone: '' },
  ];
  return (
    <dl className="summary">
      {figures.map(({ name, text, tone }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className={tone}>{text}</dd>
        </div>
      ))}
    </dl>
  );
}

function Controls(props: { sight: Sight; onChange: (sight: Sight) => void; shown: number; all: number }): ReactNode {
  const { sight, onChange, shown, all } = props;
  return (
    <search className="controls">
      <label>
        Find
        <input
          type="search"
          value={sight.text}
          placeholder="tenant"
          onChange={({ target }) => onChange({ ...sight, text: target.value })}
        />
      </label>
      <label>
        Show
        <select
          value={sight.show}
          onChange={({ target }) => {
            const show = SHOWN.find(([name]) => name === target.value)?.[0] ?? 'all';
            onChange({ ...sight, show });
          }}
        >
          {SHOWN.map(([name, text]) => (
            <option key={name} value={name}>
              {text}
            </option>
          ))}
        </select>
      </label>
      <label>
        Order
        <select
          value={sight.order}
          onChange={({ target }) => {
            const order = ORDERS.find((name) => name === target.value) ?? 'urgency';
            onChange({ ...sight, order });
          }}
        >
          {ORDERS.map((name) => (
            <option key={name} value={name}>
              {ORDER_WORDS[name]}
            </option>
          ))}
        </select>
      </label>
      <p className="soft found" role="status">
        {shown === all ? `${words.count(all)} tenants` : `${words.count(shown)} of ${words.count(all)} tenants`}
      </p>
    </search>
  );
}
