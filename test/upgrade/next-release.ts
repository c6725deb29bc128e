/**
 * The release after this one: a copy of this checkout's sources with an optional field more in `Interaction`, from the
 * Avro schema through gateway, producer and consumer to a column of `interactions`. Nothing of it is shared with this
 * release but the packages of others.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyTree, type TextChange } from '../support/tree-copy.ts';

const SOURCES = ['schemas', 'services', 'infra', 'package.json'];

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
const CHANGES: Readonly<Record<string, readonly TextChange[]>> = {
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
  const { dir, change, remove } = copyTree('next', SOURCES);
  for (const [file, changes] of Object.entries(CHANGES)) change(file, changes);
  writeFileSync(join(dir, 'schemas/avro/interaction.v2.avsc'), JSON.stringify(laterSchema(dir)));
  writeFileSync(join(dir, 'infra/clickhouse/9000_campaigns.sql'), MIGRATION);
  return { path: (file) => join(dir, file), remove };
}

function laterSchema(dir: string): object {
  const schema = JSON.parse(readFileSync(join(dir, 'schemas/avro/interaction.v1.avsc'), 'utf8')) as {
    fields: object[];
  };
  return { ...schema, fields: [...schema.fields, { name: 'campaignId', type: ['null', 'string'], default: null }] };
}
