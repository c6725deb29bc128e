/**
 * The consumer's configuration, from the environment.
 */
import { clickhouseConfig, kafkaConfig, processConfig, wholeNumber } from '@tally/platform/config';
import { z } from 'zod';

export const consumerConfig = z.object({
  ...kafkaConfig.shape,
  ...clickhouseConfig.shape,
  ...processConfig.shape,
  TALLY_GROUP: z.string().min(1).default('tally'),
  /** Key of the identifiers' hashes; losing it makes later identifiers strangers to earlier ones. */
  TALLY_IDENTIFIER_SECRET: z.string().min(16),
  TALLY_CONSUMER_HOST: z.string().default('127.0.0.1'),
  /** Health and metrics; 0 is any free port. */
  TALLY_CONSUMER_PORT: wholeNumber(0, 65_535, 8083),
  TALLY_SESSION_TIMEOUT_MS: wholeNumber(1_000, 300_000, 10_000),
  TALLY_HEARTBEAT_INTERVAL_MS: wholeNumber(100, 60_000, 1_000),
  TALLY_PARTITIONS_CONCURRENT: wholeNumber(1, 256, 16),
  TALLY_FETCH_BYTES_PER_PARTITION_MAX: wholeNumber(65_536, 64 * 1024 * 1024, 1_048_576),
  TALLY_FETCH_BYTES_MIN: wholeNumber(1, 16 * 1024 * 1024, 65_536),
  TALLY_FETCH_WAIT_MS_MAX: wholeNumber(1, 10_000, 200),
  /** How often the logs are checked while they are read. */
  TALLY_LOG_CHECK_INTERVAL_MS: wholeNumber(100, 3_600_000, 10_000),
  /** Groups of batches written at the same time; a partition is always in the same lane. */
  TALLY_LANES: wholeNumber(1, 16, 2),
  /** Memory of the fingerprints of known keys, 5 to 7.5 bytes a key; 0 asks the index about every key. */
  TALLY_FILTER_BYTES_MAX: wholeNumber(0, Number.MAX_SAFE_INTEGER, 2 * 1024 ** 3),
  /** Records in one insert. */
  TALLY_GROUP_RECORDS_MAX: wholeNumber(1, 1_000_000, 500_000),
});

export type ConsumerConfig = z.infer<typeof consumerConfig>;
