/**
 * Values of options, as the benchmarks take them.
 */
import { InvalidArgumentError } from 'commander';

/** `5_000_000` or `5000000`. */
export function whole(text: string): number {
  const value = Number(text.replaceAll('_', ''));
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('a whole number above 0 is expected');
}

/** One of some words. */
export function anyOf<Word extends string>(...words: Word[]): (text: string) => Word {
  return (text) => {
    const word = words.find((one) => one === text);
    if (word !== undefined) return word;
    throw new InvalidArgumentError(`one of ${words.join(', ')} is expected`);
  };
}
