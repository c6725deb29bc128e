/**
 * A row, on a phone a card, for each tenant.
 */
import type { ReactNode } from 'react';
import type { OverviewTenant, Used } from '../api/answers.ts';
import { SeverityChip, StandingChip } from '../parts/chip.tsx';
import { ShareBar } from '../parts/share-bar.tsx';
import { Sparkline } from '../parts/sparkline.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { linkTo } from '../route.ts';
import { isLicensedFor, METER_WORDS, METERS, type MeterName, standingOf, toneOf, worstOf } from '../words/standing.ts';
import { words } from '../words/words.ts';

const COLUMNS: readonly Column<OverviewTenant>[] = [
  {
    name: 'Tenant',
    isHead: true,
    cell: (tenant) => (
      <div className="tenant">
        <a className="tenant-link" href={linkTo({ page: 'tenant', tenantId: tenant.tenantId })}>
          {tenant.tenantId}
        </a>
        <StandingChip standing={worstOf(tenant)} />
      </div>
    ),
  },
  ...METERS.map((meter) => ({
    name: METER_WORDS[meter],
    cell: (tenant: OverviewTenant) => <Share meter={meter} used={tenant[meter]} isLicensed={isLicensedFor(tenant)} />,
  })),
  { name: '12 months', cell: ({ months }) => <Sparkline months={months} /> },
  {
    name: 'Expected this month',
    isFigure: true,
    cell: ({ interactions: { projected, owned } }) =>
      projected === null ? (
        '–'
      ) : (
        <span className={owned > 0 && projected > owned ? 'over-text' : undefined}>{words.count(projected)}</span>
      ),
  },
  { name: 'Alerts', cell: ({ alerts }) => <OpenAlerts alerts={alerts} /> },
];

export function TenantTable({ tenants }: { tenants: readonly OverviewTenant[] }): ReactNode {
  return (
    <div className="panel wide overview-table">
      <Table
        caption="Tenants: used of each quota, the last 12 months, where this month is heading, and open alerts"
        columns={COLUMNS}
        rows={tenants}
        keyOf={({ tenantId }) => tenantId}
        toneOf={(tenant) => `row-${toneOf(worstOf(tenant))}`}
      />
    </div>
  );
}

function Share(props: { meter: MeterName; used: Used & { known?: boolean }; isLicensed: boolean }): ReactNode {
  const { meter, used, isLicensed } = props;
  const standing = standingOf(used, isLicensed);
  const isBare = used.share === null;
  return (
    <div className="share">
      <span className="share-figures">
        <span>{used.known === false ? '–' : words.count(used.used)}</span>
        <strong className={standing === 'over' ? 'over-text' : undefined}>
          {used.share === null ? 'none owned' : words.percent(used.share)}
        </strong>
      </span>
      {!isBare && <ShareBar share={used.share} standing={standing} label={METER_WORDS[meter]} />}
    </div>
  );
}

function OpenAlerts({ alerts }: Pick<OverviewTenant, 'alerts'>): ReactNode {
  const open = (['critical', 'warning', 'info'] as const).filter((severity) => alerts[severity] > 0);
  if (open.length === 0) return <span className="soft">none</span>;
  return (
    <span className="chips">
      {open.map((severity) => (
        <SeverityChip key={severity} severity={severity}>
          {words.count(alerts[severity])} {severity}
        </SeverityChip>
      ))}
    </span>
  );
}
