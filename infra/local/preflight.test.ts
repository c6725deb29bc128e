import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolvePorts } from './ports.ts';
import { checkFreeDisk, findJava, findMaven, prepareDataDir } from './preflight.ts';

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'tally-preflight-'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A directory for a PATH whose `java` claims to be of that version. */
function fakeJava(version: string): string {
  const directory = mkdtempSync(join(scratch, 'java-'));
  const java = join(directory, 'java');
  writeFileSync(java, `#!/bin/sh\necho 'openjdk version "${version}" 2025-04-15' >&2\n`);
  chmodSync(java, 0o755);
  return directory;
}

describe('tools', () => {
  it('refuses a machine without Java', async () => {
    await expect(findJava(scratch)).rejects.toMatchObject({ code: 'JAVA_MISSING', exitCode: 10 });
  });

  it.each(['1.8.0_402', '11.0.2', '16'])('refuses Java %s', async (version) => {
    const found = findJava(fakeJava(version));
    await expect(found).rejects.toMatchObject({ code: 'JAVA_TOO_OLD', message: expect.stringContaining(version) });
  });

  it.each(['17', '17.0.15', '21.0.1', '25-ea'])('accepts Java %s', async (version) => {
    const directory = fakeJava(version);
    await expect(findJava(`${scratch}:${directory}`)).resolves.toEqual({ path: join(directory, 'java'), version });
  });

  it('refuses a machine without Maven', () => {
    expect(() => findMaven(scratch)).toThrow(expect.objectContaining({ code: 'MAVEN_MISSING', exitCode: 12 }));
  });
});

describe('the data directory', () => {
  it('is refused where it cannot be made', () => {
    const file = join(scratch, 'file');
    writeFileSync(file, '');
    expect(() => prepareDataDir(join(file, 'data'))).toThrow(
      expect.objectContaining({ code: 'DATA_DIR_NOT_WRITABLE', exitCode: 15 }),
    );
  });

  it('is refused on a disk without enough room', () => {
    expect(() => checkFreeDisk(scratch, 2 ** 60)).toThrow(
      expect.objectContaining({
        code: 'DISK_FULL',
        exitCode: 16,
        message: expect.stringContaining('1099511627776 MiB'),
      }),
    );
    expect(() => checkFreeDisk(scratch, 1)).not.toThrow();
  });
});

describe('ports', () => {
  let server: Server;
  let taken: number;
  beforeAll(async () => {
    server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    taken = typeof address === 'object' && address !== null ? address.port : 0;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  it('that are taken are refused by number and option', async () => {
    await expect(resolvePorts([{ option: 'Kafka', port: taken }])).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      exitCode: 13,
      message: expect.stringContaining(`${taken} (Kafka)`),
    });
  });

  it('that are asked for twice are refused', async () => {
    const [free] = await resolvePorts([{ option: 'a', port: 0 }]);
    const twice = resolvePorts(['a', 'b'].map((option) => ({ option, port: free })));
    await expect(twice).rejects.toMatchObject({ code: 'PORT_TAKEN' });
  });

  it('are chosen, all different, where none is given', async () => {
    const ports = await resolvePorts([{ option: 'a', port: undefined }, ...Array(20).fill({ option: 'b', port: 0 })]);
    expect(new Set(ports).size).toBe(21);
    expect(Math.min(...ports)).toBeGreaterThan(1023);
  });
});
