// Lets the embedded engine replicate. Everything for it is in the library: the client of ZooKeeper, the tables, the handler
// that gives parts to other replicas. But clickhouse-local never says where the server is reached by others, and opens no
// port for them, whatever its configuration says; without that, replicated tables stay read-only. So, in this process's own
// memory and before the engine starts, the few places that would say so are made to. Nothing that replicates is touched.
//
// For tests alone. It is right for one build of the library, which every place is checked for before anything is written.

import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';

export interface ReplicaAddress {
  /** At most 22 characters; the engine's second `<listen_host>`, which then serves replicas over HTTP and nobody else. */
  host: string;
  port: number;
  /** What tells this server from others, also after a restart. */
  name: string;
}

const LIBRARY = 'libchdb.so';
const STRING_BYTES = 24;

/** Addresses within the library, and what is there in the build that this was made for. */
const PLACES = {
  /** Context::getInterserverCredentials */
  credentials: { at: 0x1417c940, is: '41574156534c8b3f498d9f880100004889df' },
  /** Padding behind the function above. */
  padding: { at: 0x1417c983, is: 'cc'.repeat(61) },
  /** Context::getInterserverIOAddress */
  address: { at: 0x1417c9c0, is: '4156534883ec484c8b36490fbe8e670100004885c9498b96580100004889c848' },
  /** Context::getInterserverScheme */
  scheme: { at: 0x1417cac0, is: '488b0680b88701000000781a480570010000488b481048894f10c5f81000c5f811074889f8c3' },
  /** createHandlerFactory, where the handlers of queries over HTTP are made … */
  queries: { at: 0x18395ffa, is: '490fbe4017' },
  /** … and where those of other replicas are. */
  replicas: { at: 0x18395dbc, is: 'bf88000000' },
} as const;
/** The server's own UUID: none in clickhouse-local, but ZooKeeper's sessions are told apart by it. */
const SERVER_UUID = 0x228a3a48;
/** Zeros behind the library's last variable, in the same page. */
const ROOM = 0x22b98c00;

/** Throws if the library is not loaded, or is not the build that this was made for. */
export function unlockReplication({ host, port, name }: ReplicaAddress): void {
  if (host.length >= STRING_BYTES - 1) throw new Error(`${host} is too long`);
  const base = loadedAt();
  const memory = openSync('/proc/self/mem', 'r+');
  const write = (at: number, bytes: Buffer): void => void writeSync(memory, bytes, 0, bytes.length, base + at);
  try {
    for (const { at, is } of Object.values(PLACES)) {
      const found = Buffer.alloc(is.length / 2);
      readSync(memory, found, 0, found.length, base + at);
      if (found.toString('hex') !== is) throw new Error('replicas need another build of the ClickHouse engine');
    }
    write(SERVER_UUID, createHash('sha256').update(name).digest().subarray(0, 16));
    write(PLACES.address.at, Buffer.concat([returnString(host), hex('66c74718'), uint16(port), RETURN]));
    write(PLACES.scheme.at, Buffer.concat([returnString('http'), RETURN]));
    writeCredentials(base, write);
    writeSecondListener(write);
  } finally {
    closeSync(memory);
  }
}

type Write = (at: number, bytes: Buffer) => void;

const RETURN = hex('c3');

/** Whoever fetches a part says an empty name and password, and these are the ones that are taken. */
function writeCredentials(base: number, write: Write): void {
  const pair = ROOM + 0x100;
  const credentials = Buffer.alloc(0x100);
  // Name and password, then the pairs that are taken: from, to, room to.
  credentials.writeBigUInt64LE(BigInt(base + pair), 2 * STRING_BYTES);
  credentials.writeBigUInt64LE(BigInt(base + pair + 2 * STRING_BYTES), 2 * STRING_BYTES + 8);
  credentials.writeBigUInt64LE(BigInt(base + pair + 2 * STRING_BYTES), 2 * STRING_BYTES + 16);
  write(ROOM, credentials);
  write(pair, Buffer.alloc(2 * STRING_BYTES));
  const { at } = PLACES.credentials;
  // lea rax, [credentials]; xor edx, edx; ret
  write(at, Buffer.concat([hex('488d05'), relative(at + 7, ROOM), hex('31d2'), RETURN]));
}

/** Of the listeners over HTTP, the second gets the handlers for other replicas. */
function writeSecondListener(write: Write): void {
  const counter = ROOM + 0x200;
  const { at } = PLACES.padding;
  write(counter, Buffer.alloc(8));
  write(
    at,
    Buffer.concat([
      // inc [counter]; cmp [counter], 2; je replicas
      ...[hex('ff05'), relative(at + 6, counter)],
      ...[hex('833d'), relative(at + 13, counter), hex('02')],
      ...[hex('0f84'), relative(at + 19, PLACES.replicas.at)],
      // What was there, and back.
      ...[hex(PLACES.queries.is), hex('e9'), relative(at + 29, PLACES.queries.at + 5)],
    ]),
  );
  write(PLACES.queries.at, Buffer.concat([hex('e9'), relative(PLACES.queries.at + 5, at)]));
}

/** Code that puts a short string where the caller wants it: mov rax, rdi; then 8 bytes at a time by way of rcx. */
function returnString(text: string): Buffer {
  const string = Buffer.alloc(STRING_BYTES);
  string.write(text, 'latin1');
  string[STRING_BYTES - 1] = text.length;
  const stores = ['48890f', '48894f08', '48894f10'].flatMap((store, index) => [
    hex('48b9'),
    string.subarray(8 * index, 8 * index + 8),
    hex(store),
  ]);
  return Buffer.concat([hex('4889f8'), ...stores]);
}

function loadedAt(): number {
  const [from] =
    readFileSync('/proc/self/maps', 'utf8')
      .split('\n')
      .find((line) => line.endsWith(LIBRARY))
      ?.split('-') ?? [];
  if (from === undefined) throw new Error(`${LIBRARY} is not loaded`);
  return Number.parseInt(from, 16);
}

function relative(from: number, to: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(to - from);
  return bytes;
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function hex(digits: string): Buffer {
  return Buffer.from(digits, 'hex');
}
