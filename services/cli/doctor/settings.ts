/**
 * Settings and secrets, as the environment or the instance's files give them. Values are never told.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { aggregatorConfig } from '@tally/aggregator';
import { apiConfig } from '@tally/api';
import { consumerConfig } from '@tally/consumer';
import { gatewayConfig } from '@tally/gateway';
import { notifierConfig } from '@tally/notifier';
import type { z } from 'zod';
import { secretsOf } from '../instance.ts';
import type { Finding, Looked } from './check.ts';
import type { DoctorSources } from './sources.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const SERVICES: Readonly<Record<string, z.ZodType>> = {
  gateway: gatewayConfig,
  consumer: consumerConfig,
  aggregator: aggregatorConfig,
  api: apiConfig,
  notifier: notifierConfig,
};

/** Secrets that are looked at, and what each is for. */
const SECRETS = ['TALLY_ADMIN_KEY', 'TALLY_IDENTIFIER_SECRET'] as const;
/** Of what `openssl rand -base64 18` gives. */
const SECRET_CHARACTERS_MIN = 24;
const EXAMPLE = /change.?me|example|demo|test|secret|password|(.)\1{5}/i;
const OTHERS_MAY = 0o077;

/** What the environment says, where it says anything: each service's own schema, over the variables that are set. */
export function checkSettings({ env, dataDir }: Pick<DoctorSources, 'env' | 'dataDir'>): Looked {
  if (dataDir !== undefined) return checkFiles(dataDir);
  const faults = settingFaults(env);
  const secrets = SECRETS.flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : { name, value };
  });
  const without = SECRETS.filter((name) => env[name] === undefined);
  const seen = without.length === 0 ? 'as the services take them' : `${without.join(', ')} not set here: not looked at`;
  return { seen, findings: [...faults, ...secrets.flatMap(({ name, value }) => secretFindings(name, value))] };
}

function settingFaults(env: Environment): Finding[] {
  const faults = new Map<string, string>();
  for (const [service, schema] of Object.entries(SERVICES)) {
    for (const { path, message } of schema.safeParse(env).error?.issues ?? []) {
      const name = String(path[0]);
      // What is not set here may be set where the service runs.
      if (env[name] !== undefined) faults.set(name, faults.get(name) ?? `${name}: ${message} (${service})`);
    }
  }
  return [...faults.values()].map((what) => ({ code: 'SETTINGS_INVALID', severity: 'failing', what }));
}

function secretFindings(name: string, value: string): Finding[] {
  if (EXAMPLE.test(value)) {
    return [{ code: 'SECRET_EXAMPLE', severity: 'warning', what: `${name} looks like one out of an example` }];
  }
  if (value.length >= SECRET_CHARACTERS_MIN) return [];
  const what = `${name} has ${value.length} characters, ${SECRET_CHARACTERS_MIN} would be hard to guess`;
  return [{ code: 'SECRET_SHORT', severity: 'warning', what }];
}

function checkFiles(dataDir: string): Looked {
  const { adminKey, identifierSecret } = secretsOf(dataDir);
  const file = join(dataDir, 'secrets.json');
  const findings = [
    ...secretFindings('the admin key', adminKey),
    ...secretFindings('the identifier secret', identifierSecret),
  ];
  if ((statSync(file).mode & OTHERS_MAY) !== 0) {
    findings.push({ code: 'SECRETS_READABLE', severity: 'warning', what: `${file} can be read by others` });
  }
  return { seen: `those of the instance on ${dataDir}`, findings };
}
