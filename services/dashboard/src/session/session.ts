/**
 * Who is signed in, and what he may do.
 */
import { type QueryClient, useQuery } from '@tanstack/react-query';
import { createContext, useContext } from 'react';
import type { SessionAnswer } from '../api/answers.ts';
import { forget } from '../api/queries.ts';
import { ApiFault, request } from '../api/request.ts';
import { SESSION_KEY } from './key.ts';

const CHECK_MS = 60_000;
const PATH = '/v1/session';

/** Undefined while it is not known, null when nobody is signed in. */
export function useStoredSession(): { session: SessionAnswer | null | undefined; fault: Error | null } {
  const { data, error } = useQuery<SessionAnswer | null>({
    queryKey: SESSION_KEY,
    queryFn: ({ signal }) =>
      request<SessionAnswer>(PATH, { signal }).catch((fault: unknown) => {
        if (fault instanceof ApiFault && fault.status === 401) return null;
        throw fault;
      }),
    staleTime: CHECK_MS,
    refetchInterval: ({ state }) => (state.data === undefined ? CHECK_MS / 12 : state.data === null ? false : CHECK_MS),
  });
  return { session: data, fault: error };
}

/** Throws an ApiFault: 401 for a key that is none. */
export async function signIn(client: QueryClient, key: string): Promise<void> {
  const session = await request<SessionAnswer>(PATH, { method: 'POST', body: { key } });
  client.setQueryData(SESSION_KEY, session);
}

/** Throws an ApiFault while the session cannot be ended: nobody is to believe that it was. */
export async function signOut(client: QueryClient): Promise<void> {
  await request(PATH, { method: 'DELETE' }).catch((fault: unknown) => {
    if (!(fault instanceof ApiFault) || fault.status !== 401) throw fault;
  });
  forget(client);
}

export const SessionContext = createContext<SessionAnswer | null>(null);

export function useSession(): SessionAnswer {
  const session = useContext(SessionContext);
  if (!session) throw new Error('there is no session here');
  return session;
}

/** Runs the installation: an admin of every tenant, those of the future too. */
export function operates({ role, tenants }: Pick<SessionAnswer, 'role' | 'tenants'>): boolean {
  return role === 'admin' && tenants === null;
}

/** May acknowledge and silence. */
export function mayDecide({ role }: Pick<SessionAnswer, 'role'>): boolean {
  return role === 'admin' || role === 'analyst';
}
