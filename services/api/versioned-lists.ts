/**
 * Lists of a tenant that are replaced as a whole and of which every version is kept: licences, environments.
 */
import type { Change, Version } from '@tally/figures';
import type { CheckedLines, LineFault } from '@tally/metering';
import { TallyError } from '@tally/platform/errors';
import { type FastifyInstance, Problem } from '@tally/platform/http';
import { z } from 'zod';
import { checked, tenantOf } from './parameters.ts';

export const LINES_MAX = 1_000;
const TEXT_CHARS_MAX = 1_000;
const FAULTS_IN_WORDS_MAX = 5;

export interface VersionedList<Line> {
  /** In the path, and the name of the list in bodies and answers. */
  name: 'licences' | 'environments';
  check: (written: readonly unknown[]) => CheckedLines<Line>;
  /** Newest first. */
  versions: (tenantId: string) => Promise<Version<Line>[]>;
  change: (change: Change<Line>) => Promise<void>;
  /** What else the answer says. */
  more: (tenantId: string, lines: readonly Line[]) => Promise<object>;
  clock: () => number;
}

export const listDecision = z.strictObject({
  because: z.string().trim().max(TEXT_CHARS_MAX).default(''),
  by: z.string().trim().min(1).max(TEXT_CHARS_MAX).default('admin'),
  replaces: z.uuid().nullish(),
});
const listOf = (name: string) => z.record(z.literal(name), z.array(z.unknown()).max(LINES_MAX));
export const historyAsked = z.object({ history: z.enum(['true', 'false']).default('false') });

/**
 * `GET /v1/tenants/{t}/NAME[?history=true]` and `PUT`, which takes `{NAME: [line, …], because, by, replaces}`: why, who, and
 * the `version.id` that the change was made from, for whoever does not want to overwrite another's. Lines that cannot be
 * are answered 400 with `faults: [{line, field, message}]`, and nothing is changed.
 */
export function addVersionedListRoutes<Line>(app: FastifyInstance, list: VersionedList<Line>): void {
  const { name, check, versions, change, more, clock } = list;
  const path = `/v1/tenants/:tenantId/${name}`;
  const answer = async (tenantId: string, history: boolean): Promise<object> => {
    const all = await versions(tenantId);
    const [newest] = all;
    const lines = newest?.lines ?? [];
    return {
      [name]: lines,
      version: newest ? versionAnswered(newest) : null,
      ...(await more(tenantId, lines)),
      ...(history ? { history: all.map((one) => ({ ...versionAnswered(one), [name]: one.lines })) } : {}),
    };
  };

  app.get(path, ({ params, query }) => answer(tenantOf(params), checked(historyAsked, query).history === 'true'));

  app.put(path, async ({ params, body }) => {
    const tenantId = tenantOf(params);
    const { [name]: written, ...rest } = checked(z.looseObject({}), body);
    const { [name]: list = [] } = checked(listOf(name), { [name]: written });
    const decided = checked(listDecision, rest);
    const judged = check(list);
    if (!judged.ok) throw faulty(judged.faults);
    await change({ tenantId, now: clock(), ...decided, lines: judged.lines }).catch(overtaken);
    return answer(tenantId, false);
  });
}

function versionAnswered({ id, changedAt, changedBy, because }: Version<unknown>): object {
  return { id, at: new Date(changedAt).toISOString(), by: changedBy, because };
}

/** Every line that cannot be, with its reason. */
export function faulty(faults: readonly LineFault[]): Problem {
  const words = faults
    .slice(0, FAULTS_IN_WORDS_MAX)
    .map(({ line, field, message }) => `line ${line}: ${field} ${message}`.replace('  ', ' '));
  const more = faults.length > words.length ? [`and ${faults.length - words.length} more`] : [];
  return new Problem({
    status: 400,
    code: 'invalid-lines',
    title: 'Some lines cannot be',
    detail: [...words, ...more].join('; '),
    extensions: { faults },
  });
}

/** Another change came in between. */
export function overtaken(error: unknown): never {
  if (!(error instanceof TallyError) || error.code !== 'VERSION_OVERTAKEN') throw error;
  const title = 'Another change came in between';
  throw new Problem({ status: 409, code: 'version-overtaken', title, detail: error.message, cause: error });
}
