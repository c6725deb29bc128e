/**
 * What happens in a scenario, in the order in which it becomes known. Records have the shape of those that are sent.
 */

interface EntityOfRecord {
  tenantId: string;
  environmentId: string;
  entityType: 'contact' | 'lead' | 'profile' | 'custom' | 'other';
  entityId: string;
  eventId: string;
}

export interface InteractionValue extends EntityOfRecord {
  channel: 'email' | 'sms' | 'push' | 'voice' | 'form_submission' | 'custom';
  direction: 'outbound' | 'inbound';
  /** Milliseconds since 1970-01-01 UTC, as all moments here. */
  occurredAt: number;
  journeyId: string | null;
  provider: string | null;
}

interface VoidValue extends EntityOfRecord {
  voidedAt: number;
  reason: string;
}

export interface ProfileValue {
  tenantId: string;
  environmentId: string;
  source: string;
  recordId: string;
  operation: 'upsert' | 'delete';
  identifiers: { kind: string; value: string }[];
  changedAt: number;
}

export type ModelRecord =
  | { schema: 'Interaction'; value: InteractionValue }
  | { schema: 'InteractionVoided'; value: VoidValue }
  | { schema: 'ProfileRecord'; value: ProfileValue };

export interface ModelLine {
  sku: string;
  quantity: number;
  packSize?: number;
  startsOn: string;
  /** The first day on which it grants nothing any more. */
  endsOn: string | null;
}

export interface ModelEnvironment {
  id: string;
  name: string;
  type: 'production' | 'sandbox' | 'developer' | 'trial';
  geo: string;
  startsOn: string;
  endsOn: string | null;
}

export interface ModelPolicyStart {
  /** The first day on which it holds. */
  from: string;
  policy: 'all' | 'outbound-only';
}

export type Step =
  | { kind: 'records'; records: ModelRecord[] }
  /** The aggregator runs at that time, and publishes unified people for its day. */
  | { kind: 'aggregate'; at: number }
  /** From then on these are the tenant's lines, environments or policies, all of them. */
  | { kind: 'licences'; tenantId: string; at: number; lines: ModelLine[] }
  | { kind: 'environments'; tenantId: string; at: number; environments: ModelEnvironment[] }
  | { kind: 'policies'; tenantId: string; at: number; starts: ModelPolicyStart[] }
  | { kind: 'issue'; tenantId: string; month: string; at: number };
