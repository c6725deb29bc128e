/**
 * A tenant's alerts, or those on the pipeline: what was told to whom, and what people said to it.
 */
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { AlertsAnswer } from '../api/answers.ts';
import type { Live } from '../api/queries.ts';
import { request } from '../api/request.ts';
import { SeverityChip } from '../parts/chip.tsx';
import { Panel } from '../parts/panel.tsx';
import { mayDecide, useSession } from '../session/session.ts';
import { named, words } from '../words/words.ts';
import { type Decision, DecisionDialog } from './decision-dialog.tsx';

type Alert = AlertsAnswer['alerts'][number];
type Change = Alert['changes'][number];

interface AlertsProps {
  /** Null for those on the pipeline. */
  tenantId: string | null;
  /** Path that they are asked from, without `/alerts`. */
  base: string;
  live: Live<AlertsAnswer>;
}

const HOUR_MS = 3_600_000;

export function Alerts({ tenantId, base, live }: AlertsProps): ReactNode {
  const [deciding, setDeciding] = useState<{ alert: Alert; kind: Decision['kind'] } | null>(null);
  const client = useQueryClient();
  const session = useSession();
  const decide = async (decision: Decision): Promise<void> => {
    if (!deciding) return;
    await tell(deciding.alert, { tenantId, by: session.name, decision });
    void client.invalidateQueries({ predicate: ({ queryKey }) => String(queryKey[0]).startsWith(`${base}/alerts`) });
  };
  return (
    <>
      <Panel
        title={tenantId === null ? 'Alerts on the pipeline' : 'Alerts'}
        live={live}
        wide
        lines={3}
        empty={({ alerts }) => (alerts.length > 0 ? null : 'No alert, open or resolved.')}
      >
        {({ alerts, silences }) => {
          const item = (alert: Alert): ReactNode => (
            <AlertItem
              key={alert.id}
              alert={alert}
              silenced={silences.find((one) => isSilenced(alert, one))}
              onDecide={mayDecide(session) ? (kind) => setDeciding({ alert, kind }) : undefined}
            />
          );
          const open = alerts.filter(({ state }) => state === 'open');
          const past = alerts.filter(({ state }) => state !== 'open');
          return (
            <>
              {open.length > 0 ? <ul className="alerts">{open.map(item)}</ul> : <p className="soft">None is open.</p>}
              {past.length > 0 && (
                <details>
                  <summary>{words.count(past.length)} resolved</summary>
                  <ul className="alerts">{past.map(item)}</ul>
                </details>
              )}
            </>
          );
        }}
      </Panel>
      {deciding && (
        <DecisionDialog
          kind={deciding.kind}
          title={deciding.alert.title}
          onDecide={decide}
          onClose={() => setDeciding(null)}
        />
      )}
    </>
  );
}

async function tell(
  alert: Alert,
  { tenantId, by, decision }: { tenantId: string | null; by: string; decision: Decision },
): Promise<void> {
  const { kind, reason, hours } = decision;
  const until = hours === null ? null : new Date(Date.now() + hours * HOUR_MS).toISOString();
  if (kind === 'acknowledge') {
    const path = `/v1/alerts/${encodeURIComponent(alert.id)}/acknowledgements`;
    await request(path, { method: 'POST', body: { tenantId, until, reason, by } });
    return;
  }
  const { rule, subject } = alert;
  await request('/v1/alerts/silences', { method: 'POST', body: { tenantId, rule, subject, until, reason, by } });
}

function isSilenced(alert: Alert, { rule, subject }: AlertsAnswer['silences'][number]): boolean {
  return (rule === null || rule === alert.rule) && (subject === null || subject === alert.subject);
}

function AlertItem(props: {
  alert: Alert;
  silenced: AlertsAnswer['silences'][number] | undefined;
  onDecide: ((kind: Decision['kind']) => void) | undefined;
}): ReactNode {
  const { alert, silenced, onDecide } = props;
  const { state, severity, title, detail, openedAt, resolvedAt, acknowledgements, changes } = alert;
  const isOpen = state === 'open';
  return (
    <li className={isOpen ? 'alert' : 'alert past'}>
      <div className="alert-head">
        {isOpen ? <SeverityChip severity={severity} /> : <SeverityChip severity="resolved" />}
        <h3>{title}</h3>
      </div>
      <p>{detail}</p>
      <p className="soft small">
        Opened {words.moment(openedAt)}
        {!isOpen && resolvedAt !== null && <> · resolved {words.moment(resolvedAt)}</>}
        {silenced && (
          <>
            {' '}
            · silenced until {words.moment(silenced.until)} by {silenced.by}: {silenced.reason}
          </>
        )}
      </p>
      {acknowledgements.map(({ at, by, reason }) => (
        <p key={at} className="soft small">
          Acknowledged by {by}, {words.moment(at)}: {reason}
        </p>
      ))}
      <details>
        <summary>What was told to whom</summary>
        <ul className="told">
          {changes.map((change) => (
            <ToldItem key={change.id} change={change} />
          ))}
        </ul>
      </details>
      {isOpen && onDecide && (
        <p className="actions">
          <button type="button" onClick={() => onDecide('acknowledge')}>
            Acknowledge<span className="unseen">: {title}</span>
          </button>
          <button type="button" onClick={() => onDecide('silence')}>
            Silence<span className="unseen">: {title}</span>
          </button>
        </p>
      )}
    </li>
  );
}

function ToldItem({ change: { change, at, severity, told, deliveries } }: { change: Change }): ReactNode {
  return (
    <li>
      {named(change)} as {severity}, {words.moment(at)}
      {!told && <span className="soft"> · kept back by a silence or an acknowledgement</span>}
      {told && deliveries.length === 0 && <span className="soft"> · no target wanted it</span>}
      {deliveries.length > 0 && (
        <ul>
          {deliveries.map(({ target, attempt, at: when, outcome, detail }) => (
            <li key={`${target} ${attempt} ${when}`}>
              {target}: {named(outcome).toLowerCase()}, {words.moment(when)}
              {detail === '' ? '' : ` (${detail})`}
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}
