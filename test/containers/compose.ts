/**
 * One installation of docker-compose.yml, with secrets and ports of its own, beside whatever else runs on the machine.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Finished, finished, run } from '@tally/containers/docker';
import { resolvePorts } from '@tally/local';
import { z } from 'zod';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What must be set: docker-compose.yml has no default for them. */
export const SECRETS = ['TALLY_ADMIN_KEY', 'TALLY_IDENTIFIER_SECRET', 'CLICKHOUSE_PASSWORD'] as const;

/** Of `docker inspect`, what is looked at. */
const inspected = z.object({
  Config: z.object({ User: z.string(), Image: z.string() }),
  HostConfig: z.object({
    ReadonlyRootfs: z.boolean(),
    CapDrop: z.array(z.string()).nullable(),
    SecurityOpt: z.array(z.string()).nullable(),
    Memory: z.number(),
    NanoCpus: z.number(),
  }),
  State: z.object({ ExitCode: z.number(), Health: z.object({ Status: z.string() }).optional() }),
});
export type Inspected = z.infer<typeof inspected>;

export class Compose {
  readonly gateway: string;
  readonly api: string;
  readonly adminKey: string;
  readonly #dir = mkdtempSync(join(tmpdir(), 'tally-compose-'));
  readonly #project = `tally-${randomBytes(4).toString('hex')}`;
  readonly #variables: Readonly<Record<string, string>>;

  private constructor(variables: Readonly<Record<string, string>>) {
    this.#variables = variables;
    this.gateway = `http://127.0.0.1:${variables['GATEWAY_PORT']}`;
    this.api = `http://127.0.0.1:${variables['API_PORT']}`;
    this.adminKey = variables['TALLY_ADMIN_KEY'] ?? '';
  }

  /** Nothing runs yet. `filesMax` is for ClickHouse, where the machine allows less than its default. */
  static async create(image: string, filesMax: number): Promise<Compose> {
    const [gatewayPort = 0, apiPort = 0, kafkaPort = 0] = await resolvePorts([
      { option: 'gateway', port: 0 },
      { option: 'api', port: 0 },
      { option: 'Kafka', port: 0 },
    ]);
    return new Compose({
      ...Object.fromEntries(SECRETS.map((name) => [name, randomBytes(24).toString('hex')])),
      TALLY_IMAGE: image,
      CLICKHOUSE_FILES_MAX: String(filesMax),
      GATEWAY_PORT: String(gatewayPort),
      API_PORT: String(apiPort),
      KAFKA_PORT: String(kafkaPort),
    });
  }

  /** `docker compose …`; throws with what it printed when it fails. */
  async compose(...args: string[]): Promise<string> {
    return run('docker', this.#arguments(this.#variables, args), { cwd: ROOT });
  }

  /** `docker compose config` with one variable left out. */
  async configWithout(variable: string): Promise<Finished> {
    const others = Object.entries(this.#variables).filter(([name]) => name !== variable);
    return finished('docker', this.#arguments(Object.fromEntries(others), ['config', '--quiet']), { cwd: ROOT });
  }

  /** The command line of the image, on this installation. */
  async tally(...args: string[]): Promise<string> {
    return this.compose('run', '--rm', '--no-TTY', 'tally', ...args);
  }

  /** A command in a service's container, whatever its exit code. */
  async exec(service: string, ...command: string[]): Promise<Finished> {
    return finished('docker', this.#arguments(this.#variables, ['exec', '--no-TTY', service, ...command]), {
      cwd: ROOT,
    });
  }

  async inspect(service: string): Promise<Inspected> {
    const id = (await this.compose('ps', '--all', '--quiet', service)).trim();
    const [one] = z.tuple([inspected]).parse(JSON.parse(await run('docker', ['inspect', id])));
    return one;
  }

  /** The end of what every container has said. */
  async lastWords(): Promise<string> {
    return (
      await finished('docker', this.#arguments(this.#variables, ['logs', '--no-color', '--tail', '8']), { cwd: ROOT })
    ).output;
  }

  /** Containers, networks and volumes are gone afterwards. */
  async remove(): Promise<void> {
    await this.compose('--profile', 'tools', 'down', '--volumes', '--timeout', '30');
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #arguments(variables: Readonly<Record<string, string>>, args: readonly string[]): string[] {
    const file = join(this.#dir, 'env');
    const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(file, lines.join(''), { mode: 0o600 });
    return ['compose', '--project-name', this.#project, '--env-file', file, ...args];
  }
}
