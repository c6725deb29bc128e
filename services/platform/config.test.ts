import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { clickhouseConfig, hostList, kafkaConfig, parseConfig, processConfig, wholeNumber } from './config.ts';
import { TallyError } from './errors.ts';

const schema = z.object({ ...kafkaConfig.shape, ...clickhouseConfig.shape, ...processConfig.shape });
const least = { TALLY_KAFKA: '127.0.0.1:9092', TALLY_CLICKHOUSE_URL: 'http://127.0.0.1:8123' };

function faultsOf(env: Record<string, string | undefined>): string {
  try {
    parseConfig(schema, env);
  } catch (error) {
    if (error instanceof TallyError && error.code === 'CONFIG_INVALID' && !error.retriable) return error.message;
    throw error;
  }
  return '';
}

describe('parseConfig', () => {
  it('fills in the defaults', () => {
    expect(parseConfig(schema, least)).toMatchObject({
      TALLY_KAFKA: ['127.0.0.1:9092'],
      TALLY_TOPIC_PREFIX: '',
      TALLY_CLICKHOUSE_DATABASE: 'tally',
      TALLY_CLICKHOUSE_USER: 'default',
      TALLY_LOG_LEVEL: 'info',
    });
  });

  it('takes nothing that it was not asked for', () => {
    expect(parseConfig(schema, { ...least, HOME: '/root' })).not.toHaveProperty('HOME');
  });

  it('reports all faults together, one line each, with the variable’s name', () => {
    const words = faultsOf({
      TALLY_KAFKA: 'nowhere',
      TALLY_CLICKHOUSE_DATABASE: 'drop table',
      TALLY_LOG_LEVEL: 'loud',
    });
    const lines = words.split('\n');
    expect(lines[0]).toContain('4 fault(s)');
    expect(lines.slice(1).map((line) => line.trim().split(':')[0])).toEqual([
      'TALLY_KAFKA',
      'TALLY_CLICKHOUSE_URL',
      'TALLY_CLICKHOUSE_DATABASE',
      'TALLY_LOG_LEVEL',
    ]);
  });

  it('says that a variable is not set, not of which type it is', () => {
    expect(faultsOf({ ...least, TALLY_CLICKHOUSE_URL: undefined })).toContain('TALLY_CLICKHOUSE_URL: is not set');
  });

  it('never repeats a value, which may be a secret', () => {
    expect(faultsOf({ ...least, TALLY_CLICKHOUSE_DATABASE: 'S3CRET' })).not.toContain('S3CRET');
  });
});

describe('hostList', () => {
  it.each([
    ['a:9092', ['a:9092']],
    ['a:9092,b.example:9093', ['a:9092', 'b.example:9093']],
    [' a:9092 , b:9093 ', ['a:9092', 'b:9093']],
  ])('reads %j', (text, hosts) => {
    expect(hostList.parse(text)).toEqual(hosts);
  });

  it.each(['', 'a', 'a:', ':9092', 'a:9092,', 'a:port', 'http://a:9092', 'a b:1'])('refuses %j', (text) => {
    expect(hostList.safeParse(text).success).toBe(false);
  });
});

describe('wholeNumber', () => {
  it.each([
    [undefined, 5],
    ['1', 1],
    ['10', 10],
  ])('reads %j as %i', (text, number) => {
    expect(wholeNumber(1, 10, 5).parse(text)).toBe(number);
  });

  it.each(['0', '11', '1.5', '-1', 'five', ''])('refuses %j', (text) => {
    expect(wholeNumber(1, 10, 5).safeParse(text).success).toBe(false);
  });
});
