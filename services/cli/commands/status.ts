import { resolve } from 'node:path';
import { Command } from 'commander';
import { runningInstance } from '../instance.ts';
import { dataOption, jsonOption } from '../options.ts';
import { print, printJson, table } from '../print.ts';

/** `tally status`: where the services of a running instance are. */
export function statusCommand(): Command {
  return new Command('status')
    .description('addresses and process ids of a running instance')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(({ data, json }: { data: string; json: boolean }) => {
      const { pids, adminKey, database, engines, shards, ...addresses } = runningInstance(resolve(data));
      if (json) {
        printJson({ ...addresses, database, engines, shards, pids });
        return;
      }
      const services = new Set([...Object.keys(addresses), ...Object.keys(pids)]);
      const rows = [...services].map((service) => [
        service,
        addresses[service as keyof typeof addresses] ?? '',
        (pids[service] ?? []).join(' '),
      ]);
      print(table([{ title: 'service' }, { title: 'address' }, { title: 'pids' }], rows));
      print(`database  ${database}${shards.length > 1 ? ` on ${shards.join(', ')}` : ''}\nadmin key ${adminKey}\n`);
    });
}
