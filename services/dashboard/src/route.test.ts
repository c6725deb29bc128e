import { describe, expect, it } from 'vitest';
import { linkTo, type Route, routeOf } from './route.ts';

describe('routes', () => {
  const routes: Exclude<Route, { page: 'none' }>[] = [
    { page: 'overview' },
    { page: 'operator' },
    { page: 'tenant', tenantId: 'contoso' },
    { page: 'tenant', tenantId: 'a:b.c_d-e' },
  ];
  it.each(routes)('%o is found again by its link', (route) => {
    expect(routeOf(linkTo(route))).toEqual(route);
  });

  it.each(['#/nowhere', '#/tenants/', '#/tenants/a/b', '#/tenants/%zz'])('%s is no page', (hash) => {
    expect(routeOf(hash)).toEqual({ page: 'none' });
  });
});
