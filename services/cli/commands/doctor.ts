import { TallyError } from '@tally/platform/errors';
import { Command } from 'commander';
import { type Connection, connect } from '../connection.ts';
import { type CheckResult, type Examination, notChecked } from '../doctor/check.ts';
import { DOCTOR_CODES, runbookOf } from '../doctor/codes.ts';
import { doctorSources } from '../doctor/sources.ts';
import { dataOption, jsonOption } from '../options.ts';
import { count, print, printJson, table } from '../print.ts';

const EXIT: Readonly<Record<Examination['state'], number>> = { ok: 0, warning: 0, failing: 1, 'not checked': 2 };
/** Connections that hang must not keep the command. */
const CLOSE_MS_MAX = 1_000;

interface DoctorOptions {
  data: string;
  json: boolean;
}

/** `tally doctor`: what is wrong with an installation, and what to do. Ends with 0 healthy, 1 something fails, 2 could not look. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check versions, settings, topics, tables, lag, ledger and disks, and say what to do')
    .addOption(dataOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExit codes: 0 healthy (warnings included), 1 something fails, 2 something could not be looked at.',
    )
    .action(doctor);
}

async function doctor({ data, json }: DoctorOptions): Promise<void> {
  const { examination, close } = await examined(data);
  if (json) printJson(examination);
  else printExamination(examination);
  process.exitCode = EXIT[examination.state];
  setTimeout(() => process.exit(), CLOSE_MS_MAX).unref();
  await close();
}

async function examined(data: string): Promise<{ examination: Examination; close: () => Promise<void> }> {
  // It loads every service's settings, which no other command should wait for.
  const { checkNames, examineAll } = await import('../doctor/checks.ts');
  let connection: Connection;
  try {
    connection = connect(data, { patient: false });
  } catch (error) {
    if (!(error instanceof TallyError)) throw error;
    return { examination: blind(error, checkNames()), close: async () => undefined };
  }
  const sources = doctorSources(connection, { data, env: process.env, clock: Date.now });
  return { examination: await examineAll(sources), close: connection.close };
}

/** Nobody says where to look, or says it wrongly: nothing else can be known. */
function blind(error: TallyError, names: readonly string[]): Examination {
  const settings: CheckResult =
    error.code === 'CONFIG_INVALID'
      ? {
          check: 'settings',
          state: 'failing',
          seen: '',
          findings: [
            {
              code: 'SETTINGS_INVALID',
              severity: 'failing',
              what: error.message.replaceAll(/\s*\n\s*/g, ' '),
              do: DOCTOR_CODES.SETTINGS_INVALID,
              runbook: runbookOf('SETTINGS_INVALID'),
            },
          ],
        }
      : notChecked('settings', error.message);
  const others = names.filter((name) => name !== 'settings');
  return { state: settings.state, checks: [settings, ...others.map((name) => notChecked(name, 'needs settings'))] };
}

function printExamination({ checks }: Examination): void {
  const rows = checks.map(({ check, state, seen, findings }) => [
    check,
    state === 'ok' || state === 'not checked' ? state : `${state.toUpperCase()} ${codesOf(findings).join(' ')}`,
    state === 'failing' ? '' : seen,
  ]);
  print(table([{ title: 'check' }, { title: 'state' }, { title: 'seen' }], rows));
  for (const { code, what, do: todo, runbook } of checks.flatMap(({ findings }) => findings)) {
    print(`\n${code}: ${what}\n  do:  ${todo}\n  see: ${runbook}\n`);
  }
  const number = (state: CheckResult['state']): number => checks.filter((one) => one.state === state).length;
  const [failing, warning, unlooked] = [number('failing'), number('warning'), number('not checked')];
  const verdict = failing > 0 ? 'NOT WELL' : unlooked > 0 ? 'Not all was looked at' : 'Healthy';
  print(
    `\n${verdict}: ${count(number('ok'))} ok, ${warning} warning(s), ${failing} failing, ${unlooked} not checked.\n`,
  );
}

function codesOf(findings: CheckResult['findings']): string[] {
  return [...new Set(findings.map(({ code }) => code))];
}
