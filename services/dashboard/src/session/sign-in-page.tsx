/**
 * Sign-in with an API key. It is sent once and kept nowhere in the page: the session is a cookie that scripts cannot read.
 */
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { ApiFault } from '../api/request.ts';
import { ThemeSwitch } from '../parts/theme-switch.tsx';
import { signIn } from './session.ts';

export function SignInPage({ hasEnded }: { hasEnded: boolean }): ReactNode {
  const client = useQueryClient();
  const field = useRef<HTMLInputElement>(null);
  const [key, setKey] = useState('');
  const [fault, setFault] = useState('');
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    document.title = 'Sign in · Tally';
    field.current?.focus();
  }, []);

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const wanted = key.trim();
    if (wanted === '') {
      setFault('Enter your API key.');
      field.current?.focus();
      return;
    }
    setBusy(true);
    setFault('');
    try {
      await signIn(client, wanted);
    } catch (error) {
      setFault(wordsFor(error));
      setBusy(false);
      field.current?.focus();
    }
  };

  return (
    <main className="sign-in">
      <form onSubmit={(event) => void submit(event)} noValidate>
        <h1>
          <span className="brand">Tally</span> Sign in
        </h1>
        {hasEnded && (
          <p className="note warn" role="status">
            Your session has ended. Sign in to go on where you were.
          </p>
        )}
        <label htmlFor="key">API key</label>
        <input
          id="key"
          ref={field}
          type="password"
          autoComplete="current-password"
          spellCheck={false}
          value={key}
          onChange={({ target }) => setKey(target.value)}
          aria-describedby="key-hint"
          aria-errormessage="key-fault"
          aria-invalid={fault !== ''}
        />
        <p id="key-hint" className="soft hint">
          Whoever runs this Tally gives you one: <code>tally keys create</code>. On your own machine,{' '}
          <code>tally up</code> prints it.
        </p>
        <p id="key-fault" className="fault" role="alert">
          {fault}
        </p>
        <button type="submit" className="primary" disabled={isBusy}>
          {isBusy ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
      <ThemeSwitch />
    </main>
  );
}

function wordsFor(error: unknown): string {
  if (!(error instanceof ApiFault)) return 'Something went wrong in this page. Load it again.';
  if (error.status === 401) return 'This is no valid key. It may have been revoked, or have expired.';
  if (error.status === 403) return 'This key may not read figures: it is for sending events.';
  if (error.isAway) return 'Tally does not answer. Try again in a moment.';
  return error.message;
}
