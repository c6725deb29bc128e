/**
 * The api's calls about alerts.
 */
import {
  type AlertsAnswer,
  acknowledgementAnswer,
  alertsAnswer,
  type DeliveriesAnswer,
  type DryRunAnswer,
  deliveriesAnswer,
  dryRunAnswer,
  type RulesAnswer,
  rulesAnswer,
  silenceAnswer,
  type TargetsAnswer,
  targetsAnswer,
  testAnswer,
} from '@tally/contract';
import type { ApiClient } from './api-client.ts';

interface Said {
  by: string;
  reason: string;
}

interface Decided {
  by: string;
  because: string;
}

const ofTenant = (tenant: string): string => `/v1/tenants/${encodeURIComponent(tenant)}`;

export class AlertApi {
  readonly #api: ApiClient;

  constructor(api: ApiClient) {
    this.#api = api;
  }

  /** Of a tenant, or without one of all tenants and the operators. */
  list(tenant: string | undefined, query: { state?: string; limit: string; after?: string }): Promise<AlertsAnswer> {
    const path = tenant === undefined ? '/v1/alerts' : `${ofTenant(tenant)}/alerts`;
    return this.#api.call(path, { method: 'GET', query }, alertsAnswer);
  }

  acknowledge(alertId: string, said: Said & { tenantId: string | null; until: string | null }) {
    const path = `/v1/alerts/${encodeURIComponent(alertId)}/acknowledgements`;
    return this.#api.call(path, { method: 'POST', body: said }, acknowledgementAnswer);
  }

  silence(
    said: Said & { tenantId: string | null; rule: string | null; subject: string | null; from?: string; until: string },
  ) {
    return this.#api.call('/v1/alerts/silences', { method: 'POST', body: said }, silenceAnswer);
  }

  async endSilence(id: string, tenant: string | undefined): Promise<void> {
    const query = tenant === undefined ? {} : { tenant };
    await this.#api.request(`/v1/alerts/silences/${encodeURIComponent(id)}`, { method: 'DELETE', query });
  }

  /** Of a tenant, or without one those about the pipeline. */
  rules(tenant: string | undefined): Promise<RulesAnswer> {
    return this.#api.call(rulesPath(tenant), { method: 'GET' }, rulesAnswer);
  }

  changeRules(tenant: string | undefined, change: Decided & { rules: readonly unknown[] }): Promise<RulesAnswer> {
    return this.#api.call(rulesPath(tenant), { method: 'PUT', body: change }, rulesAnswer);
  }

  /** @param rules own rules to try; without them those in force */
  dryRun(tenant: string, rules?: readonly unknown[]): Promise<DryRunAnswer> {
    const body = rules === undefined ? {} : { rules };
    return this.#api.call(`${ofTenant(tenant)}/alert-rules/dry-run`, { method: 'POST', body }, dryRunAnswer);
  }

  targets(): Promise<TargetsAnswer> {
    return this.#api.call('/v1/alerts/targets', { method: 'GET' }, targetsAnswer);
  }

  changeTargets(change: Decided & { targets: readonly unknown[] }): Promise<TargetsAnswer> {
    return this.#api.call('/v1/alerts/targets', { method: 'PUT', body: change }, targetsAnswer);
  }

  /** Puts a test for one target into the outbox; returns its change's id. */
  async testTarget(target: string, by: string): Promise<string> {
    const path = `/v1/alerts/targets/${encodeURIComponent(target)}/test`;
    return (await this.#api.call(path, { method: 'POST', body: { by } }, testAnswer)).changeId;
  }

  async deliveries(changeId: string): Promise<DeliveriesAnswer['deliveries']> {
    const path = `/v1/alerts/changes/${encodeURIComponent(changeId)}`;
    return (await this.#api.call(path, { method: 'GET' }, deliveriesAnswer)).deliveries;
  }
}

function rulesPath(tenant: string | undefined): string {
  return tenant === undefined ? '/v1/alerts/rules' : `${ofTenant(tenant)}/alert-rules`;
}
