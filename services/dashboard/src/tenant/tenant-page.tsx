/**
 * A tenant: owned against used first, then where it comes from, then what it rests on.
 */
import { addMonths, dayOf } from '@tally/metering/calendar';
import type { ReactNode } from 'react';
import type { AlertsAnswer, LicencesAnswer, QuotaAnswer } from '../api/answers.ts';
import { OFTEN_MS, SELDOM_MS, useLive } from '../api/queries.ts';
import { AsOf, Waiting } from '../parts/panel.tsx';
import { linkTo } from '../route.ts';
import { Alerts } from './alerts.tsx';
import { EngagedPanel, InteractionsPanel, UnifiedPanel } from './curves.tsx';
import { Entitlements } from './entitlements.tsx';
import { Environments } from './environments.tsx';
import { Licences } from './licences.tsx';
import { Meters, Verdict } from './meters.tsx';
import { Statements } from './statements.tsx';
import { TrueUp } from './true-up.tsx';

export function TenantPage({ tenantId }: { tenantId: string }): ReactNode {
  const base = `/v1/tenants/${encodeURIComponent(tenantId)}`;
  const quota = useLive<QuotaAnswer>(`${base}/quota`, OFTEN_MS);
  const licences = useLive<LicencesAnswer>(`${base}/licences?history=true`, SELDOM_MS);
  const alerts = useLive<AlertsAnswer>(`${base}/alerts?limit=20`, OFTEN_MS * 2);
  const today = quota.data?.on ?? dayOf(Date.now());
  const yearAgo = addMonths(today, -12);
  const open = alerts.data?.alerts.filter(({ state }) => state === 'open') ?? [];
  return (
    <>
      <div className="page-head">
        <div>
          <p className="crumb">
            <a href={linkTo({ page: 'overview' })}>Overview</a>
          </p>
          <h1>{tenantId}</h1>
        </div>
        <AsOf live={quota} />
      </div>
      {quota.data ? (
        <>
          <Verdict quota={quota.data} openAlerts={open.length} />
          <Meters quota={quota.data} />
        </>
      ) : (
        <section className="panel wide" aria-busy={quota.isPending} aria-label="Quotas">
          <Waiting live={quota} lines={6} />
        </section>
      )}
      <div className="grid">
        <InteractionsPanel base={base} quota={quota} licences={licences} />
        <EngagedPanel base={base} from={yearAgo} to={today} licences={licences} quota={quota} />
        <UnifiedPanel base={base} from={yearAgo} to={today} licences={licences} />
        <Alerts tenantId={tenantId} base={base} live={alerts} />
        <Environments live={quota} />
        <Statements base={base} />
        <Licences live={licences} quota={quota} />
        <TrueUp base={base} today={today} licences={licences} />
        <Entitlements live={quota} />
      </div>
    </>
  );
}
