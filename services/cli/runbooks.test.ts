/**
 * The runbooks have a section for every alert about the pipeline and every code of the doctor, and name no command that
 * does not exist.
 */
import { readFileSync } from 'node:fs';
import { defaultRules } from '@tally/alerts';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { DOCTOR_CODES, type DoctorCode, runbookOf } from './doctor/codes.ts';
import { tallyProgram } from './program.ts';

const page = (name: string): string => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
const runbooks = page('runbooks.md');
const sections = new Set([...runbooks.matchAll(/^### (.+)$/gm)].map(([, title = '']) => title));
const program = await tallyProgram();
const codes = Object.keys(DOCTOR_CODES) as DoctorCode[];

/** `tally …` in code, up to where its arguments begin or the code ends. */
function commandsIn(text: string): string[] {
  const inCode = [...text.matchAll(/`(?:npx )?tally ([^`]+)`/g)].map(([, words = '']) => words);
  const inBlocks = [...text.matchAll(/^(?:.*&& )?npx tally ([^#\n]+)/gm)].map(([, words = '']) => words);
  return [...inCode, ...inBlocks];
}

/** What is wrong with a command line, or undefined: an unknown command, part of one, or option, or parts of which none is named. */
function faultOf(line: string): string | undefined {
  let command: Command = program;
  const words = line.split('&&')[0]?.trim().split(/\s+/) ?? [];
  for (const word of words) {
    if (word.startsWith('--')) {
      if (!command.options.some(({ long }) => long === word)) return `${line}: no option ${word}`;
    } else {
      const part = command.commands.find((one) => one.name() === word);
      if (part) command = part;
      else if (command.parent === null || (command.commands.length > 0 && /^[a-z-]+$/.test(word))) {
        return `${line}: no command ${word}`;
      }
    }
  }
  // A name over others does nothing but print their names.
  const onlyNames = command.commands.length > 0 && command.registeredArguments.length === 0;
  return onlyNames ? `${line}: which of ${command.commands.map((one) => one.name()).join(', ')}?` : undefined;
}

describe('the runbooks', () => {
  it.each(defaultRules('operator').map(({ name }) => name))(
    'explain the alert %s, from what it means to whom to wake',
    (name) => {
      const [, section = ''] = runbooks.split(`### ${name}\n`);
      const own = section.split(/^##/m)[0] ?? '';
      expect(own.match(/\*\*(?:Means|Wake somebody)[^*]*\*\*/g)).toHaveLength(2);
      expect(commandsIn(own).length + (own.includes('as `') ? 1 : 0)).toBeGreaterThan(0);
    },
  );

  it('explain each code of the doctor, and nothing that is neither a code nor an alert', () => {
    const alerts = defaultRules('operator').map(({ name }) => name);
    expect([...sections].sort()).toEqual([...codes, ...alerts].sort());
    expect(codes.map(runbookOf)).toEqual(codes.map((code) => `docs/runbooks.md#${code.toLowerCase()}`));
  });

  it.each(['runbooks.md', 'operations.md', 'prometheus-alerts.md'])('name only commands that exist: %s', (name) => {
    const lines = commandsIn(page(name));
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.map(faultOf).filter((fault) => fault !== undefined)).toEqual([]);
  });

  it('and so do the doctor’s own hints', () => {
    const lines = Object.values(DOCTOR_CODES).flatMap(commandsIn);
    expect(lines.length).toBeGreaterThan(10);
    expect(lines.map(faultOf).filter((fault) => fault !== undefined)).toEqual([]);
  });

  it('would not let a command pass that does not exist', () => {
    expect(['nonsense', 'log opened --topic T', 'doctor --loud', 'alerts targets'].map(faultOf)).toEqual([
      'nonsense: no command nonsense',
      'log opened --topic T: no command opened',
      'doctor --loud: no option --loud',
      'alerts targets: which of show, set?',
    ]);
  });
});
