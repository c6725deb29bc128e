/**
 * The three meters over a year.
 */
import { addDays, addMonths } from '@tally/metering/calendar';
import type { ReactNode } from 'react';
import type {
  CurveAnswer,
  InteractionsAnswer,
  LicencesAnswer,
  QuotaAnswer,
  UnifiedHistoryAnswer,
} from '../api/answers.ts';
import { type Live, SELDOM_MS, useLive } from '../api/queries.ts';
import { InteractionsChart } from '../charts/interactions-chart.tsx';
import { PeopleChart } from '../charts/people-chart.tsx';
import { Panel, Waiting } from '../parts/panel.tsx';
import { PlainBar } from '../parts/share-bar.tsx';
import { words } from '../words/words.ts';

interface CurveProps {
  base: string;
  from: string;
  to: string;
  licences: Live<LicencesAnswer>;
}

export function InteractionsPanel(props: {
  base: string;
  quota: Live<QuotaAnswer>;
  licences: Live<LicencesAnswer>;
}): ReactNode {
  const { base, quota, licences } = props;
  const path = `${base}/interactions`;
  const live = useLive<InteractionsAnswer>(path, SELDOM_MS);
  const now = quota.data?.interactions;
  return (
    <Panel
      title="Interactions by month and channel"
      about={`Counted by policy “${live.data?.policy ?? 'all'}”, each in the UTC month in which it happened. Nothing rolls over.`}
      live={live}
      lines={8}
      wide
      csv={path}
      empty={({ months }) => (months.some(({ total }) => total > 0) ? null : 'No interactions in the last 12 months.')}
    >
      {({ months }) =>
        now && licences.data ? (
          <InteractionsChart months={months} licences={licences.data.licences} now={now} />
        ) : (
          <Waiting live={quota.data ? licences : quota} lines={8} />
        )
      }
    </Panel>
  );
}

export function EngagedPanel(props: CurveProps & { quota: Live<QuotaAnswer> }): ReactNode {
  const { base, from, to, licences, quota } = props;
  const path = `${base}/engaged/curve?from=${from}&to=${to}`;
  const live = useLive<CurveAnswer>(path, SELDOM_MS);
  const first = addDays(addMonths(to, -12), 1);
  return (
    <Panel
      title="Engaged people, day by day"
      about={`Each day counts everyone with an interaction in the 12 months up to it. Today (UTC) that is ${words.day(first)} to ${words.day(to)}; whoever hears nothing for 12 months drops out.`}
      live={live}
      lines={7}
      csv={path}
      empty={({ days }) => (days.some(({ total }) => total > 0) ? null : 'Nobody was engaged in the last 12 months.')}
    >
      {({ days }) => (
        <>
          <PeopleChart
            name="Engaged people"
            meter="engagedPeople"
            colour="accent"
            days={days}
            licences={licences.data?.licences ?? NO_LICENCES}
          />
          <ByEnvironment
            counts={Object.fromEntries(
              (quota.data?.environments ?? []).map(({ id, engagedPeople }) => [id, engagedPeople.used]),
            )}
          />
        </>
      )}
    </Panel>
  );
}

export function UnifiedPanel({ base, from, to, licences }: CurveProps): ReactNode {
  const path = `${base}/unified/history?from=${from}&to=${to}`;
  const live = useLive<UnifiedHistoryAnswer>(path, SELDOM_MS);
  return (
    <Panel
      title="Unified people by environment"
      about="Records that share an e-mail address, a phone number or another identifier are one person. Summed over the environments."
      live={live}
      lines={7}
      csv={path}
      empty={({ days }) => (days.length > 0 ? null : 'No figure has been published yet.')}
    >
      {({ days }) => (
        <>
          <PeopleChart
            name="Unified people"
            meter="unifiedPeople"
            colour="c2"
            days={days}
            licences={licences.data?.licences ?? NO_LICENCES}
          />
          <ByEnvironment counts={days.at(-1)?.byEnvironment ?? {}} />
        </>
      )}
    </Panel>
  );
}

const NO_LICENCES: LicencesAnswer['licences'] = [];

function ByEnvironment({ counts }: { counts: Readonly<Record<string, number>> }): ReactNode {
  const environments = Object.entries(counts).sort(([, a], [, b]) => b - a);
  const total = environments.reduce((sum, [, count]) => sum + count, 0);
  return (
    <dl className="bars">
      {environments.map(([environment, count]) => (
        <div key={environment}>
          <dt>{environment}</dt>
          <dd>{words.count(count)}</dd>
          <dd className="bar-cell" aria-hidden="true">
            <PlainBar share={total === 0 ? 0 : count / total} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
