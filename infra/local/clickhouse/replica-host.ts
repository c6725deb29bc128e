// The same as host.ts, for a server that has replicas: `replica-host.ts <host> <port> <name> <arguments>`.

import { libchdbPath } from 'chdb/libchdb';
import { DataType, load, open } from 'ffi-rs';
import { unlockReplication } from './unlock-replication.ts';

const [host = '', port = '', name = '', ...args] = process.argv.splice(2);
process.argv.push(...args);
open({ library: 'chdb', path: libchdbPath() });
// The library is only there when something of it has been called.
load({ library: 'chdb', funcName: 'chdb_version', retType: DataType.String, paramsType: [], paramsValue: [] });
unlockReplication({ host, port: Number(port), name });
await import('./host.ts');
