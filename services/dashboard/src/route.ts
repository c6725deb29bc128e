/**
 * Which page is shown: the part of the address after `#`, so that every page can be linked to and no server must know of it.
 */
import { useSyncExternalStore } from 'react';

export type Route =
  | { page: 'overview' }
  | { page: 'tenant'; tenantId: string }
  | { page: 'operator' }
  | { page: 'none' };

export function routeOf(hash: string): Route {
  const path = hash.replace(/^#\/?/, '');
  if (path === '') return { page: 'overview' };
  if (path === 'operator') return { page: 'operator' };
  const [, name = ''] = /^tenants\/([^/]+)$/.exec(path) ?? [];
  const tenantId = decoded(name);
  return tenantId === '' ? { page: 'none' } : { page: 'tenant', tenantId };
}

export function linkTo(route: Exclude<Route, { page: 'none' }>): string {
  if (route.page === 'overview') return '#/';
  return route.page === 'operator' ? '#/operator' : `#/tenants/${encodeURIComponent(route.tenantId)}`;
}

export function useRoute(): Route {
  const hash = useSyncExternalStore(
    (changed) => {
      window.addEventListener('hashchange', changed);
      return () => window.removeEventListener('hashchange', changed);
    },
    () => window.location.hash,
  );
  return routeOf(hash);
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return '';
  }
}
