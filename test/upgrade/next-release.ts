/**
 * The release after this one: a copy of this checkout's sources with an optional field more in `Interaction`, from the
 * Avro schema through gateway, producer and consumer to a column of `interactions`. Nothing of it is shared with this
 * release but the packages of others.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = ['schemas', 'services', 'infra', 'package.json'];
const WORKSPACES = '@tally';

const MIGRATION = `ALTER TABLE interactions ADD COLUMN IF NOT EXISTS campaign_id String;
ALTER TABLE ingest ADD COLUMN IF NOT EXISTS campaign_id String;
ALTER TABLE interactions_view MODIFY QUERY
SELECT
    tenant_id, toDate(occurred_at) AS day, environment_id, entity_type,
    if(entity_key IN (SELECT entity_key FROM erasures), '', entity_id) AS entity_id,
    entity_key, event_id, event_key, channel, direction, occurred_at, journey_id, provider, position, campaign_id
FROM ingest
WHERE outcome = 'counted';
`;

/** By file: what stands there now, and what stands there in the next release. */
const CHANGES: Record<string, [from: string, to: string][]> = {
  'schemas/single-object.ts': [
    [
      "load('Interaction', 1, 'interaction.v1.avsc'),",
      "load('Interaction', 1, 'interaction.v1.avsc'), load('Interaction', 2, 'interaction.v2.avsc'),",
    ],
  ],
  'schemas/cloud-events.ts': [
    ['journeyId: z.string().nullish(),', 'journeyId: z.string().nullish(), campaignId: z.string().nullish(),'],
    ['journeyId, provider, ...rest', 'journeyId, campaignId, provider, ...rest'],
    ['journeyId: journeyId ?? null,', 'journeyId: journeyId ?? null, campaignId: campaignId ?? null,'],
  ],
  'services/producer/producer.ts': [
    ['journeyId: journeyId ?? null,', 'journeyId: journeyId ?? null, campaignId: input.campaignId ?? null,'],
  ],
  'services/consumer/event-columns.ts': [
    [
      'readonly #provider = new TextColumn();',
      'readonly #provider = new TextColumn(); readonly #campaignId = new TextColumn();',
    ],
    [
      '    this.#voidReason.appendEmpty();\n    this.#entityType',
      '    this.#voidReason.appendEmpty();\n    this.#campaignId.appendEmpty();\n    this.#entityType',
    ],
    [
      "if (event.kind === 'void') {",
      "this.#campaignId.appendText(event.value.campaignId ?? '');\n    if (event.kind === 'void') {",
    ],
    [
      "{ name: 'provider', column: this.#provider },",
      "{ name: 'provider', column: this.#provider }, { name: 'campaign_id', column: this.#campaignId },",
    ],
  ],
};

export interface NextRelease {
  /** Of a file in it. */
  path: (file: string) => string;
  remove: () => void;
}

/** Makes it. Throws when this release is no longer what the changes were written for. */
export function nextRelease(): NextRelease {
  const dir = mkdtempSync(join(tmpdir(), 'tally-next-'));
  for (const source of SOURCES) cpSync(join(ROOT, source), join(dir, source), { recursive: true, filter: isSource });
  linkPackages(dir);
  for (const [file, changes] of Object.entries(CHANGES)) change(join(dir, file), changes);
  writeFileSync(join(dir, 'schemas/avro/interaction.v2.avsc'), JSON.stringify(laterSchema(dir)));
  writeFileSync(join(dir, 'infra/clickhouse/9000_campaigns.sql'), MIGRATION);
  return { path: (file) => join(dir, file), remove: () => rmSync(dir, { recursive: true, force: true }) };
}

function isSource(path: string): boolean {
  return !/(^|\/)(node_modules|dist)$/.test(path);
}

/** Others' packages are this checkout's; Tally's own are the copies. */
function linkPackages(dir: string): void {
  const from = join(ROOT, 'node_modules');
  mkdirSync(join(dir, 'node_modules', WORKSPACES), { recursive: true });
  for (const name of readdirSync(from)) {
    if (name !== WORKSPACES) symlinkSync(join(from, name), join(dir, 'node_modules', name));
  }
  for (const workspaces of ['services', 'infra']) {
    for (const name of readdirSync(join(dir, workspaces), { withFileTypes: true })) {
      const workspace = join(workspaces, name.name);
      if (existsSync(join(dir, workspace, 'package.json'))) linkWorkspace(dir, workspace);
    }
  }
  linkWorkspace(dir, 'schemas');
}

function linkWorkspace(dir: string, workspace: string): void {
  const { name } = JSON.parse(readFileSync(join(dir, workspace, 'package.json'), 'utf8')) as { name: string };
  symlinkSync(join(dir, workspace), join(dir, 'node_modules', name));
  // Packages that only this workspace has, in a version of its own.
  const own = join(ROOT, workspace, 'node_modules');
  if (existsSync(own)) symlinkSync(own, join(dir, workspace, 'node_modules'));
}

function change(file: string, changes: readonly [string, string][]): void {
  let text = readFileSync(file, 'utf8');
  for (const [from, to] of changes) {
    if (text.split(from).length !== 2) throw new Error(`${file} does not have this once: ${from}`);
    text = text.replace(from, to);
  }
  writeFileSync(file, text);
}

function laterSchema(dir: string): object {
  const schema = JSON.parse(readFileSync(join(dir, 'schemas/avro/interaction.v1.avsc'), 'utf8')) as {
    fields: object[];
  };
  return { ...schema, fields: [...schema.fields, { name: 'campaignId', type: ['null', 'string'], default: null }] };
}
