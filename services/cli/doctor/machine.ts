/**
 * The machines: Node here, room on disks, and whether the clocks agree.
 */
import { statfsSync } from 'node:fs';
import type { ClickHouse } from '@tally/platform/clickhouse';
import type { Finding, Looked } from './check.ts';
import { nameOf } from './shards.ts';
import type { DoctorSources } from './sources.ts';

/** The first that runs Tally's files as they are. */
const NODE_MAJOR_MIN = 24;
const FREE_SHARE_WARNING = 0.1;
/** With less, the embedded stack does not start either. */
const FREE_BYTES_FAILING = 2 * 1024 ** 3;
/** Events of the future are refused at a day, and the ages that are told are rounded to seconds. */
const SKEW_MS_WARNING = 2_000;
const SKEW_MS_FAILING = 60_000;

export async function checkNode(): Promise<Looked> {
  const { node } = process.versions;
  if (Number(node.split('.')[0]) >= NODE_MAJOR_MIN) return { seen: node };
  const what = `Node is ${node}; Tally was tested with ${NODE_MAJOR_MIN}`;
  return { seen: node, findings: [{ code: 'NODE_OLD', severity: 'failing', what }] };
}

interface Disk {
  name: string;
  free: number;
  total: number;
}

/** The disks of every server, and of the instance. */
export async function checkDisks({ clickhouse, dataDir }: DoctorSources): Promise<Looked> {
  const disks: Disk[] = [];
  for (const [number, place] of clickhouse.shards.entries()) {
    const rows = await place.query<{ name: string; path: string; free: string; total: string }>(
      "SELECT name, path, free_space AS free, total_space AS total FROM system.disks WHERE type = 'Local'",
    );
    const of = clickhouse.isCluster ? nameOf(clickhouse, number) : 'ClickHouse';
    for (const { name, path, free, total } of rows) {
      disks.push({ name: `${of}’s disk ${name} (${path})`, free: Number(free), total: Number(total) });
    }
  }
  if (dataDir !== undefined) {
    const { bavail, blocks, bsize } = statfsSync(dataDir);
    disks.push({ name: `the instance’s disk (${dataDir})`, free: bavail * bsize, total: blocks * bsize });
  }
  const shares = disks.map(({ free, total }) => free / total);
  return { seen: `${percent(Math.min(...shares))} free at least`, findings: disks.flatMap(diskFindings) };
}

function diskFindings({ name, free, total }: Disk): Finding[] {
  const failing = free < FREE_BYTES_FAILING;
  if (!failing && free >= total * FREE_SHARE_WARNING) return [];
  const what = `${name} has ${(free / 1024 ** 3).toFixed(1)} GiB free, ${percent(free / total)}`;
  return [{ code: 'DISK_LOW', severity: failing ? 'failing' : 'warning', what }];
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** ClickHouse's clocks say their time; that of the broker shows only where it is ahead, by what it has stamped. */
export async function checkClocks({ clickhouse, admin, topics, clock }: DoctorSources): Promise<Looked> {
  const findings: Finding[] = [];
  let skewMsMax = 0;
  for (const [number, place] of clickhouse.shards.entries()) {
    const skewMs = await skewOf(place, clock);
    skewMsMax = Math.max(skewMsMax, skewMs);
    if (skewMs <= SKEW_MS_WARNING) continue;
    const of = clickhouse.isCluster ? `The clock of ${nameOf(clickhouse, number)}` : 'ClickHouse’s clock';
    const what = `${of} and this machine’s are ${seconds(skewMs)} s apart`;
    findings.push({ code: 'CLOCK_SKEW', severity: skewMs > SKEW_MS_FAILING ? 'failing' : 'warning', what });
  }
  for (const severity of ['failing', 'warning'] as const) {
    const aheadMs = severity === 'failing' ? SKEW_MS_FAILING : SKEW_MS_WARNING;
    if (findings.some(({ what }) => what.startsWith('the broker'))) break;
    if (!(await hasRecordsAfter({ admin, topic: topics.interactions }, clock() + aheadMs))) continue;
    const what = `the broker’s clock is ${seconds(aheadMs)} s ahead of this machine’s, or more`;
    findings.push({ code: 'CLOCK_SKEW', severity, what });
  }
  return { seen: `${seconds(skewMsMax)} s apart at least`, findings };
}

/** Milliseconds, at least; nobody knows when within the request the clock was read. */
async function skewOf(server: ClickHouse, clock: () => number): Promise<number> {
  const before = clock();
  const { at } = await server.queryOne<{ at: string }>('SELECT toUnixTimestamp64Milli(now64(3)) AS at');
  return Math.max(before - Number(at), Number(at) - clock(), 0);
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}

async function hasRecordsAfter(
  { admin, topic }: Pick<DoctorSources, 'admin'> & { topic: string },
  moment: number,
): Promise<boolean> {
  const first = await admin.offsetsAt(topic, moment);
  return (await admin.extents(topic)).some(({ partition, end }) => (first.get(partition) ?? end) < end);
}
