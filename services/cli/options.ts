/**
 * Options that several commands share, and their parsing.
 */
import { isDay, isMonth } from '@tally/metering';
import { clickhouseConfig } from '@tally/platform/config';
import { InvalidArgumentError, Option } from 'commander';

export const DATA_DIR_DEFAULT = '.tally';
/** Of an instance, which has all of them on one machine. Its partitions must be a multiple. */
export const SHARDS_MAX = 16;

/** A whole number from `min` to `max`. */
export function whole(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text.replaceAll('_', ''));
    if (Number.isInteger(number) && number >= min && number <= max) return number;
    throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}`);
  };
}

export function dayText(text: string): string {
  if (isDay(text)) return text;
  throw new InvalidArgumentError('expected a day, YYYY-MM-DD');
}

export function monthText(text: string): string {
  if (isMonth(text)) return text;
  throw new InvalidArgumentError('expected a month, YYYY-MM');
}

/** What a database may be called, here and in the services' configuration. */
export function databaseName(text: string): string {
  if (clickhouseConfig.shape.TALLY_CLICKHOUSE_DATABASE.safeParse(text).success) return text;
  throw new InvalidArgumentError('expected lower-case letters, digits and underscores');
}

export const dataOption = (): Option =>
  new Option('--data <dir>', 'directory of the instance').default(DATA_DIR_DEFAULT).env('TALLY_DATA');

export const jsonOption = (): Option => new Option('--json', 'print JSON for machines').default(false);

/** Where the figures are asked: an address and a key, or the instance of a data directory. */
export const apiOptions = (): Option[] => [
  dataOption(),
  new Option('--api <url>', 'address of the api, instead of the instance’s').env('TALLY_API'),
  new Option('--key <key>', 'key for the api').env('TALLY_KEY'),
];
