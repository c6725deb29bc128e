/**
 * For whoever runs the installation: does everything that comes in get counted, and is every figure fresh?
 */
import { type ReactNode, useEffect, useState } from 'react';
import type { AlertsAnswer, DeadLettersAnswer, LedgerAnswer, RunsAnswer } from '../api/answers.ts';
import { OFTEN_MS, useLive } from '../api/queries.ts';
import { AsOf, Panel } from '../parts/panel.tsx';
import { Alerts } from '../tenant/alerts.tsx';
import { words } from '../words/words.ts';
import { DeadLetters } from './dead-letters.tsx';
import { type FlowPoint, flowOf, pointOf, type TopicFlow, withPoint } from './flow.ts';
import { Ledger } from './ledger.tsx';
import { Runs } from './runs.tsx';

export function OperatorPage(): ReactNode {
  const ledger = useLive<LedgerAnswer>('/v1/ledger', OFTEN_MS);
  const letters = useLive<DeadLettersAnswer>('/v1/dead-letters?limit=10', OFTEN_MS * 2);
  const runs = useLive<RunsAnswer>('/v1/runs?limit=50', OFTEN_MS);
  const alerts = useLive<AlertsAnswer>('/v1/alerts?of=operators&limit=20', OFTEN_MS * 2);
  const flow = useFlow(ledger.data);
  return (
    <>
      <div className="page-head">
        <h1>Operator</h1>
        <AsOf live={ledger} />
      </div>
      <dl className="summary">
        <Figure
          name="Ledger"
          text={ledger.data ? (ledger.data.balanced ? 'balanced' : 'not balanced') : '…'}
          isBad={ledger.data?.balanced === false}
        />
        <Figure name="Records waiting" text={ledger.data ? words.count(ledger.data.lag) : '…'} />
        <Figure name="Counted a minute" text={rateText(flow)} />
        <Figure name="Open dead letters" text={letters.data ? words.count(letters.data.open) : '…'} />
        <Figure name="Figures" text={freshText(runs.data)} />
      </dl>
      <div className="grid">
        <Panel
          title="Flow"
          about="Over the last two minutes, or as long as this page has been open."
          live={ledger}
          wide
          empty={({ partitions }) => (partitions.length > 0 ? null : 'Nothing is metered yet.')}
        >
          {() => <FlowTable flow={flow} />}
        </Panel>
        <Alerts tenantId={null} base="/v1" live={alerts} />
        <DeadLetters live={letters} />
        <Ledger live={ledger} />
        <Runs live={runs} />
      </div>
    </>
  );
}

/** Kept by the page: what the ledger said before is in no answer. */
function useFlow(answer: LedgerAnswer | undefined): TopicFlow[] {
  const [points, setPoints] = useState<readonly FlowPoint[]>([]);
  useEffect(() => {
    if (answer) setPoints((before) => withPoint(before, pointOf(answer)));
  }, [answer]);
  return flowOf(points);
}

function rateText(flow: readonly TopicFlow[]): string {
  const rates = flow.map(({ counted }) => counted).filter((rate) => rate !== null);
  return rates.length === 0 ? '…' : words.count(rates.reduce((sum, rate) => sum + rate, 0));
}

function freshText(runs: RunsAnswer | undefined): string {
  if (!runs) return '…';
  const last = runs.runs.find(({ job, outcome }) => job === 'aggregate' && outcome === 'succeeded');
  return last ? words.ago(Math.max(0, Date.now() - Date.parse(last.startedAt))) : 'never worked out';
}

function Figure({ name, text, isBad = false }: { name: string; text: string; isBad?: boolean }): ReactNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd className={isBad ? 'bad' : undefined}>{text}</dd>
    </div>
  );
}

function FlowTable({ flow }: { flow: readonly TopicFlow[] }): ReactNode {
  const rate = (value: number | null): string => (value === null ? 'measuring…' : words.count(value));
  const waiting = Math.max(...flow.map(({ lag }) => lag));
  return (
    <dl className="flow">
      {flow.map(({ topic, arrived, counted, lag }) => (
        <div key={topic}>
          <dt>{topic}</dt>
          <dd>
            <strong className="rate">{rate(arrived)}</strong> <span className="soft">came in a minute</span>
          </dd>
          <dd>
            <strong className="rate">{rate(counted)}</strong> <span className="soft">counted a minute</span>
          </dd>
          <dd className={lag > 0 && lag === waiting ? 'warn-text' : undefined}>
            <strong className="rate">{words.count(lag)}</strong> <span className="soft">waiting</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}
