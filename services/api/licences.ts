/**
 * Licences and environments of a tenant, and the catalogue of what can be licensed.
 */
import {
  changeEnvironments,
  changeLicences,
  environmentsSeen,
  environmentVersions,
  licenceVersions,
} from '@tally/figures';
import { CATALOGUE, environmentsOf, licenceLinesOf } from '@tally/metering';
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { FastifyInstance } from '@tally/platform/http';
import { addVersionedListRoutes } from './versioned-lists.ts';

interface LicenceRouteOptions {
  clickhouse: ClickHouse;
  clock: () => number;
}

/** `GET /v1/catalogue`, and `GET` and `PUT /v1/tenants/{t}/licences` and `…/environments`. */
export function addLicenceRoutes(app: FastifyInstance, { clickhouse, clock }: LicenceRouteOptions): void {
  app.get('/v1/catalogue', async () => CATALOGUE);

  addVersionedListRoutes(app, {
    name: 'licences',
    check: licenceLinesOf,
    versions: (tenantId) => licenceVersions(clickhouse, tenantId),
    change: (change) => changeLicences(clickhouse, change),
    more: async () => ({ catalogueVersion: CATALOGUE.version }),
    clock,
  });

  addVersionedListRoutes(app, {
    name: 'environments',
    check: environmentsOf,
    versions: (tenantId) => environmentVersions(clickhouse, tenantId),
    change: (change) => changeEnvironments(clickhouse, change),
    more: async (tenantId, lines) => {
      const registered = new Set(lines.map(({ id }) => id));
      return { unregistered: (await environmentsSeen(clickhouse, tenantId)).filter((id) => !registered.has(id)) };
    },
    clock,
  });
}
