/**
 * Where alerts are told: what a target is, which changes it wants, and what of it may be shown.
 */
import { type AlertChange, SEVERITIES } from '@tally/alerts';
import { z } from 'zod';
import { urlFault } from './networks.ts';
import { isReference } from './references.ts';

export const TARGET_KINDS = ['webhook', 'email', 'chat', 'kafka'] as const;
export type TargetKind = (typeof TARGET_KINDS)[number];

/** How a chat takes a message: `{text}`, which all take; Slack's blocks; or an Adaptive Card, for Teams workflows. */
export const CHAT_FORMATS = ['text', 'blocks', 'card'] as const;
export type ChatFormat = (typeof CHAT_FORMATS)[number];

/** Targets of an installation, and tenants one target names. */
const TARGETS_MAX = 100;
const TENANTS_MAX = 10_000;
/** Secrets of a webhook that sign at the same time, while it goes from one to the next. */
const SECRETS_MAX = 4;
const PER_MINUTE_MAX = 30_000;
const PER_MINUTE_DEFAULT = 6_000;
const ADDRESS_CHARS_MAX = 2_000;

const reference = z.string().refine(isReference, 'must be env:TALLY_TARGET_NAME or file:NAME');

const anyTarget = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'must be 1 to 64 of a-z 0-9 _ -'),
  kind: z.enum(TARGET_KINDS),
  /**
   * webhook: a URL, or where one is kept (`env:…`, `file:…`); chat: where its URL is kept, since who has that may post;
   * email: an address; kafka: empty, the topic is always the same.
   */
  address: z.string().max(ADDRESS_CHARS_MAX).default(''),
  /** Of a webhook: where the secrets that sign are kept, at least one; each `whsec_` and base64. */
  secrets: z.array(reference).max(SECRETS_MAX).default([]),
  /** Of a chat. */
  format: z.enum(CHAT_FORMATS).default('text'),
  /** Empty: all. */
  tenants: z.array(z.string()).max(TENANTS_MAX).default([]),
  /** Whether it is told what concerns operators. */
  operators: z.boolean().default(false),
  /** An alert that was ever as severe is told, and from then on all that becomes of it. */
  lowestSeverity: z.enum(SEVERITIES).default('info'),
  /** Attempts in any 60 seconds, at most. */
  perMinute: z.int().min(1).max(PER_MINUTE_MAX).default(PER_MINUTE_DEFAULT),
  enabled: z.boolean().default(true),
});

/** A target, its defaults filled in. */
export const alertTarget = anyTarget.superRefine((target, context) => {
  for (const [path, message] of faultsOf(target)) context.addIssue({ code: 'custom', path: [path], message });
});

export type AlertTarget = z.infer<typeof alertTarget>;

/** The whole list of an installation. */
export const alertTargets = z
  .array(alertTarget)
  .max(TARGETS_MAX)
  .refine((targets) => new Set(targets.map(({ id }) => id)).size === targets.length, 'two targets have the same id');

function* faultsOf(target: z.infer<typeof anyTarget>): Generator<[field: string, message: string]> {
  const { kind, address, secrets, format } = target;
  if (kind !== 'webhook' && secrets.length > 0) yield ['secrets', 'only webhooks are signed'];
  if (kind !== 'chat' && format !== 'text') yield ['format', 'only chats have formats'];
  if (kind === 'kafka' && address !== '') yield ['address', 'must be empty: the topic is always the same'];
  if (kind === 'email' && !z.email().safeParse(address).success) yield ['address', 'must be an e-mail address'];
  if (kind === 'chat' && !isReference(address)) {
    yield ['address', 'must be env:TALLY_TARGET_NAME or file:NAME: whoever has the URL of a chat may post to it'];
  }
  if (kind === 'webhook' && secrets.length === 0) yield ['secrets', 'a webhook needs at least one'];
  if (kind === 'webhook' && !isReference(address)) yield* webhookAddressFaults(address);
}

function* webhookAddressFaults(address: string): Generator<[field: string, message: string]> {
  const fault = urlFault(address);
  if (fault !== undefined) yield ['address', fault];
  else if (new URL(address).search !== '') {
    yield [
      'address',
      'must have no query string, which may hold a secret: keep the URL in env:TALLY_TARGET_NAME or file:NAME',
    ];
  }
}

/** What an installation has until somebody decides otherwise: everything goes to the topic of alerts. */
export const DEFAULT_TARGETS: readonly AlertTarget[] = [
  alertTarget.parse({ id: 'kafka', kind: 'kafka', operators: true, perMinute: PER_MINUTE_MAX }),
];

/** Whether a target is told of a change. */
export function wants(target: AlertTarget, { alert }: AlertChange): boolean {
  if (!target.enabled) return false;
  if (SEVERITIES.indexOf(alert.highestSeverity) < SEVERITIES.indexOf(target.lowestSeverity)) return false;
  if (alert.tenantId === null) return target.operators;
  return target.tenants.length === 0 || target.tenants.includes(alert.tenantId);
}
