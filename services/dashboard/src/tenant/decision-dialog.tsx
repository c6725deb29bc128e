/**
 * Why an alert is acknowledged or silenced, and for how long.
 */
import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react';

export interface Decision {
  kind: 'acknowledge' | 'silence';
  reason: string;
  /** Null: until it gets worse. */
  hours: number | null;
}

interface DecisionDialogProps {
  kind: Decision['kind'];
  /** Of the alert. */
  title: string;
  /** May throw; the words are shown. */
  onDecide: (decision: Decision) => Promise<void>;
  onClose: () => void;
}

const ABOUT: Readonly<Record<Decision['kind'], { verb: string; says: string }>> = {
  acknowledge: { verb: 'Acknowledge', says: 'Somebody sees to it. It is told again only if it gets worse.' },
  silence: { verb: 'Silence', says: 'Nobody is told of this rule until then. It stays listed here.' },
};
const SPANS: readonly (readonly [hours: number, text: string])[] = [
  [1, '1 hour'],
  [8, '8 hours'],
  [24, '1 day'],
  [24 * 7, '7 days'],
];
const REASON_CHARS_MAX = 1_000;

export function DecisionDialog({ kind, title, onDecide, onClose }: DecisionDialogProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const [reason, setReason] = useState('');
  const [hours, setHours] = useState(24);
  const [fault, setFault] = useState('');
  const { verb, says } = ABOUT[kind];
  useEffect(() => {
    if (!dialog.current?.open) dialog.current?.showModal();
  }, []);
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (reason.trim() === '') {
      setFault('Say why, so that others know.');
      return;
    }
    try {
      await onDecide({ kind, reason: reason.trim(), hours: kind === 'silence' ? hours : null });
      // Closed rather than taken away: only then does the browser give the focus back where it was.
      dialog.current?.close();
    } catch (error) {
      setFault(error instanceof Error ? error.message : 'It could not be done.');
    }
  };
  return (
    <dialog ref={dialog} aria-labelledby={heading} onClose={onClose}>
      <form className="decision" onSubmit={(event) => void submit(event)}>
        <h2 id={heading}>{verb}</h2>
        <p>{title}</p>
        <p className="soft">{says}</p>
        <label className="labelled">
          Why
          <textarea
            rows={3}
            maxLength={REASON_CHARS_MAX}
            value={reason}
            onChange={({ target }) => setReason(target.value)}
          />
        </label>
        {kind === 'silence' && (
          <label className="labelled">
            For
            <select value={hours} onChange={({ target }) => setHours(Number(target.value))}>
              {SPANS.map(([span, text]) => (
                <option key={span} value={span}>
                  {text}
                </option>
              ))}
            </select>
          </label>
        )}
        <p className="fault" role="alert">
          {fault}
        </p>
        <p className="actions">
          <button type="submit" className="primary">
            {verb}
          </button>
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
        </p>
      </form>
    </dialog>
  );
}
