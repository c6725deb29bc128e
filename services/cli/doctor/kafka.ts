/**
 * Kafka: whether it is there, and whether its topics keep what they are given.
 */
import { settingFaults } from '@tally/consumer';
import { connectionFailure } from '@tally/platform/kafka';
import { KEPT_TOPIC_SETTINGS, LATEST_TOPIC_SETTINGS, METERED_TOPIC_SETTINGS } from '@tally/schemas';
import type { Finding, Looked } from './check.ts';
import type { DoctorCode } from './codes.ts';
import type { DoctorSources } from './sources.ts';

const REPLICAS_WANTED = 3;

const FAILURES = {
  authentication: { code: 'KAFKA_AUTHENTICATION', what: 'Kafka does not take the user or the password' },
  tls: { code: 'KAFKA_TLS', what: 'no TLS with Kafka' },
  unreachable: { code: 'KAFKA_UNREACHABLE', what: 'Kafka does not answer' },
} as const;

export async function checkKafka({ admin }: DoctorSources): Promise<Looked> {
  try {
    const clusterId = await admin.clusterId();
    const brokers = await admin.brokers();
    return { seen: `cluster ${clusterId}, ${brokers.length} broker(s)` };
  } catch (error) {
    const { code, what } = FAILURES[connectionFailure(error)];
    const detail = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : '';
    return { seen: '', findings: [{ code, severity: 'failing', what: `${what}: ${detail}` }] };
  }
}

export async function checkKafkaVersion({ admin }: DoctorSources): Promise<Looked> {
  const version = await admin.protocolVersion();
  if (version === undefined) return { seen: '4.0 or newer' };
  const what = `the brokers speak the protocol of Kafka ${version}; Tally was tested with 4.3`;
  return { seen: version, findings: [{ code: 'KAFKA_OLD', severity: 'warning', what }] };
}

export async function checkTopics({ admin, topics }: DoctorSources): Promise<Looked> {
  const there = new Set(await admin.topics());
  const missing = Object.values(topics).filter((topic) => !there.has(topic));
  return {
    seen: `${Object.keys(topics).length} topics`,
    findings: missing.map((topic) => ({
      code: 'TOPIC_MISSING',
      severity: 'failing',
      what: `topic ${topic} does not exist`,
    })),
  };
}

const CODES: Readonly<Record<string, DoctorCode>> = {
  'cleanup.policy': 'TOPIC_CLEANUP_POLICY',
  'message.timestamp.type': 'TOPIC_TIMESTAMP_TYPE',
  'retention.ms': 'TOPIC_RETENTION',
};

type Settings = Readonly<Record<string, string>>;

export async function checkTopicSettings({ admin, topics }: DoctorSources): Promise<Looked> {
  const { interactions, profiles, schemas, ...kept } = topics;
  const findings: Finding[] = [];
  const check = async (topic: string, made: Settings): Promise<void> => {
    const settings = await admin.topicSettings(topic);
    const faults = made === METERED_TOPIC_SETTINGS ? settingFaults(settings) : keptFaults(settings, made);
    for (const { name, found, wanted } of faults) {
      const what = `${topic} has ${name}=${found}, it must be ${wanted}`;
      findings.push({ code: CODES[name] ?? 'TOPIC_RETENTION', severity: 'failing', what });
    }
    const wanted = made['max.message.bytes'] ?? '0';
    const found = settings['max.message.bytes'] ?? '0';
    if (Number(found) >= Number(wanted)) return;
    const what = `${topic} has max.message.bytes=${found}, it should be at least ${wanted}`;
    findings.push({ code: 'TOPIC_MESSAGE_BYTES', severity: 'warning', what });
  };
  for (const topic of [interactions, profiles]) await check(topic, METERED_TOPIC_SETTINGS);
  for (const topic of Object.values(kept)) await check(topic, KEPT_TOPIC_SETTINGS);
  await check(schemas, LATEST_TOPIC_SETTINGS);
  return { seen: 'clocks, retention and clean-up are right', findings };
}

/** Dead letters, alerts and statements are there for ever, of schemas the newest word on each. */
function keptFaults(settings: Settings, made: Settings): { name: string; found: string; wanted: string }[] {
  return (['cleanup.policy', 'retention.ms'] as const).flatMap((name) => {
    const wanted = made[name] ?? '';
    const found = settings[name] ?? 'unknown';
    return found === wanted ? [] : { name, found, wanted };
  });
}

export async function checkCopies({ admin, topics }: DoctorSources): Promise<Looked> {
  const brokers = (await admin.brokers()).length;
  const findings: Finding[] = [];
  for (const topic of Object.values(topics)) {
    const copies = await admin.copies(topic);
    const insync = Number((await admin.topicSettings(topic))['min.insync.replicas'] ?? 1);
    const offline = copies.filter(({ leader }) => leader === undefined);
    if (offline.length > 0) {
      const what = `${offline.length} partition(s) of ${topic} have no leader`;
      findings.push({ code: 'TOPIC_OFFLINE', severity: 'failing', what });
    }
    const behind = copies.filter(({ leader, inSync, replicas }) => leader !== undefined && inSync < replicas);
    if (behind.length > 0) {
      const refused = behind.some(({ inSync }) => inSync < insync);
      const what = `${behind.length} partition(s) of ${topic} lack copies${refused ? ', and take no records' : ''}`;
      findings.push({ code: 'TOPIC_UNDER_REPLICATED', severity: refused ? 'failing' : 'warning', what });
    }
    const replicas = Math.min(...copies.map((one) => one.replicas));
    if (brokers >= REPLICAS_WANTED && (replicas < REPLICAS_WANTED || insync < 2)) {
      const what = `${topic} has ${replicas} replica(s) and min.insync.replicas=${insync} on ${brokers} brokers`;
      findings.push({ code: 'TOPIC_COPIES', severity: 'warning', what });
    }
  }
  const seen = brokers < REPLICAS_WANTED ? `${brokers} broker(s): a lost disk loses the log` : 'all up to date';
  return { seen, findings };
}
