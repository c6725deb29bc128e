// A process that is ClickHouse: `host.ts <arguments of clickhouse-local>`. The engine is called in this process and
// takes it over; it ends when standard input does.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { libchdbPath } from 'chdb/libchdb';
import { DataType, load, open } from 'ffi-rs';

const parentWatch = new Worker(new URL('./parent-watch.ts', import.meta.url));
// From the call on, this thread serves no events: the worker must run before it.
await once(parentWatch, 'message');

const args = ['clickhouse', ...process.argv.slice(2)];
open({ library: 'chdb', path: libchdbPath() });
load({
  library: 'chdb',
  funcName: 'query_stable_v2',
  retType: DataType.External,
  paramsType: [DataType.I32, DataType.StringArray],
  paramsValue: [args.length, args],
});
process.exit(0);
