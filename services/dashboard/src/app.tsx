/**
 * Signed in or not, and the page that the address names.
 */
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { SessionAnswer } from './api/answers.ts';
import { OperatorPage } from './operator/operator-page.tsx';
import { OverviewPage } from './overview/overview-page.tsx';
import { AwayBanner } from './parts/away-banner.tsx';
import { ThemeSwitch } from './parts/theme-switch.tsx';
import { linkTo, type Route, useRoute } from './route.ts';
import { operates, SessionContext, signOut, useStoredSession } from './session/session.ts';
import { SignInPage } from './session/sign-in-page.tsx';
import { TenantPage } from './tenant/tenant-page.tsx';

export function App(): ReactNode {
  const { session, fault } = useStoredSession();
  const wasSignedIn = useRef(false);
  if (session) wasSignedIn.current = true;
  if (session === undefined) return <Starting fault={fault} />;
  if (session === null) return <SignInPage hasEnded={wasSignedIn.current} />;
  return (
    <SessionContext value={session}>
      <Shell session={session} />
    </SessionContext>
  );
}

function Starting({ fault }: { fault: Error | null }): ReactNode {
  return (
    <main className="starting" aria-busy={fault === null}>
      <h1>Tally</h1>
      <p role="status">{fault ? `${fault.message} Trying again every few seconds.` : 'One moment…'}</p>
    </main>
  );
}

function Shell({ session }: { session: SessionAnswer }): ReactNode {
  const client = useQueryClient();
  const route = useRoute();
  const mayOperate = operates(session);
  useTitleAndFocus(route);
  const [fault, setFault] = useState('');
  const leave = async (): Promise<void> => {
    try {
      await signOut(client);
      window.location.hash = '#/';
    } catch {
      setFault('You are still signed in: Tally does not answer.');
    }
  };
  return (
    <>
      <button type="button" className="skip" onClick={toFigures}>
        Skip to the figures
      </button>
      <header className="bar">
        <a className="brand" href={linkTo({ page: 'overview' })}>
          Tally
        </a>
        <nav aria-label="Pages">
          <NavLink route={route} to="overview" name="Overview" />
          {mayOperate && <NavLink route={route} to="operator" name="Operator" />}
        </nav>
        <div className="bar-end">
          <ThemeSwitch />
          <span className="who" title={`Role: ${session.role}`}>
            {session.name} <span className="soft">{session.role}</span>
          </span>
          <span className="fault" role="alert">
            {fault}
          </span>
          <button type="button" className="quiet" onClick={() => void leave()}>
            Sign out
          </button>
        </div>
      </header>
      <AwayBanner />
      <main id="main" tabIndex={-1} data-shown={window.location.hash}>
        <Page route={route} mayOperate={mayOperate} />
      </main>
      <footer className="foot">
        Days and months are UTC. An interaction counts once, in the month in which it happened.
      </footer>
    </>
  );
}

function Page({ route, mayOperate }: { route: Route; mayOperate: boolean }): ReactNode {
  if (route.page === 'overview') return <OverviewPage />;
  if (route.page === 'tenant') return <TenantPage key={route.tenantId} tenantId={route.tenantId} />;
  if (route.page === 'operator' && mayOperate) return <OperatorPage />;
  return (
    <>
      <h1>There is no such page</h1>
      <p>
        <a href={linkTo({ page: 'overview' })}>To the overview</a>
      </p>
    </>
  );
}

function NavLink({ route, to, name }: { route: Route; to: 'overview' | 'operator'; name: string }): ReactNode {
  return (
    <a href={linkTo({ page: to })} aria-current={route.page === to ? 'page' : undefined}>
      {name}
    </a>
  );
}

/** No link: the address after `#` names the page. */
function toFigures(): void {
  document.getElementById('main')?.focus();
}

/** A new page begins at its heading, for screen readers as for eyes; the first one begins where the browser does. */
function useTitleAndFocus(route: Route): void {
  const name = route.page === 'tenant' ? route.tenantId : TITLES[route.page];
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = `${name} · Tally`;
    if (!isFirst.current) {
      window.scrollTo(0, 0);
      document.getElementById('main')?.focus({ preventScroll: true });
    }
    isFirst.current = false;
  }, [name]);
}

const TITLES = { overview: 'Overview', operator: 'Operator', none: 'No such page' } as const;
