/**
 * Figures that stay fresh: asked again every few seconds while the page is in sight, the last ones kept while nothing answers.
 */
import { QueryCache, QueryClient, type UseQueryResult, useQuery, useQueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { SESSION_KEY } from '../session/key.ts';
import { ApiFault, request } from './request.ts';

/** What changes while one looks at it. */
export const OFTEN_MS = 5_000;
/** What costs more to work out, or changes by the hour. */
export const SELDOM_MS = 20_000;
const KEPT_UNUSED_MS = 10 * 60_000;

export type Live<Answer> = UseQueryResult<Answer, Error>;

/** The client of the page. A call that is answered 401 ends the session, and with it all that was shown. */
export function createQueries(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error) => {
        if (error instanceof ApiFault && error.status === 401) forget(client);
      },
    }),
    defaultOptions: {
      queries: {
        // The browser's own idea of being online says nothing about the api.
        networkMode: 'always',
        retry: false,
        gcTime: KEPT_UNUSED_MS,
        staleTime: OFTEN_MS / 2,
        refetchIntervalInBackground: false,
      },
      mutations: { networkMode: 'always', retry: false },
    },
  });
  return client;
}

/** Signed out: what was shown to one user is not kept for the next. */
export function forget(client: QueryClient): void {
  client.setQueryData(SESSION_KEY, null);
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION_KEY[0] });
}

/** The answer of a GET, asked for again every so often. */
export function useLive<Answer>(path: string, everyMs: number, { enabled = true } = {}): Live<Answer> {
  return useQuery<Answer>({
    queryKey: [path],
    queryFn: ({ signal }) => request<Answer>(path, { signal }),
    refetchInterval: everyMs,
    enabled,
  });
}

/** When something answered last, milliseconds UTC, while nothing does; null while all is well. */
export function useAway(): number | null {
  const client = useQueryClient();
  return useSyncExternalStore(
    (changed) => client.getQueryCache().subscribe(changed),
    () => awaySince(client),
  );
}

function awaySince(client: QueryClient): number | null {
  const shown = client.getQueryCache().findAll({ type: 'active' });
  const away = shown.some(({ state: { error } }) => error instanceof ApiFault && error.isAway);
  return away ? Math.max(0, ...shown.map(({ state }) => state.dataUpdatedAt)) : null;
}
