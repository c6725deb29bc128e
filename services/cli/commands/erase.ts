import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { eraseEntity } from '@tally/consumer';
import { ENTITY_TYPES, type EntityType, entityKey } from '@tally/schemas';
import { Command, Option } from 'commander';
import { erasuresFile, noteErasure } from '../backup/erasure-notes.ts';
import { connect } from '../connection.ts';
import { dataOption, jsonOption } from '../options.ts';
import { count, print, printJson, table } from '../print.ts';

interface EraseOptions {
  tenant: string;
  environment: string;
  type: EntityType;
  entity: string;
  because: string;
  by: string;
  note?: string;
  data: string;
  json: boolean;
}

/** `tally erase`: an entity's id disappears from every table, and its interactions stay counted. */
export function eraseCommand(): Command {
  return new Command('erase')
    .description('remove an entity’s id everywhere it is readable; what it did stays counted')
    .requiredOption('--tenant <id>', 'tenant')
    .requiredOption('--environment <id>', 'environment')
    .addOption(new Option('--type <type>', 'entity type').choices(ENTITY_TYPES).makeOptionMandatory())
    .requiredOption('--entity <id>', 'entity id')
    .requiredOption('--because <reason>', 'kept on record')
    .option('--by <who>', 'kept on record', userInfo().username)
    .option('--note <file>', 'where it is noted besides, for a restore; default: in the instance’s directory')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(erase);
}

async function erase({
  tenant,
  environment,
  type,
  entity,
  because,
  by,
  note,
  data,
  json,
}: EraseOptions): Promise<void> {
  const connection = connect(data);
  try {
    const identity = { tenantId: tenant, environmentId: environment, entityType: type, entityId: entity };
    const erased = await eraseEntity(connection.clickhouse, { entity: identity, by, because });
    const { rows } = erased;
    const file = note ?? (process.env['TALLY_KAFKA'] ? undefined : erasuresFile(resolve(data)));
    if (file !== undefined) noteErasure(file, erased.note);
    const settings = await connection.admin.topicSettings(connection.topics.interactions);
    const days = Math.ceil(Number(settings['retention.ms']) / 86_400_000);
    if (json) {
      printJson({ rows, logRetentionDays: days });
      return;
    }
    const columns = [{ title: 'table' }, { title: 'rows without the id now', right: true }];
    print(
      table(
        columns,
        Object.entries(rows).map(([name, number]) => [name, count(number)]),
      ),
    );
    print(`The log cannot be edited: the id stays in ${connection.topics.interactions} for ${days} days at most,\n`);
    print(`and in ${connection.topics.deadLetters} where a record of ${entityKey(identity)} was refused.\n`);
  } finally {
    await connection.close();
  }
}
