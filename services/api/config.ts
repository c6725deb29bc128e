/**
 * The api's configuration, from the environment.
 */
import { accessConfig, checkAccessConfig } from '@tally/access';
import { clickhouseConfig, kafkaConfig, processConfig, wholeNumber } from '@tally/platform/config';
import { statementConfig } from '@tally/statements';
import { z } from 'zod';

export const apiConfig = z
  .object({
    ...accessConfig.shape,
    ...kafkaConfig.shape,
    ...clickhouseConfig.shape,
    ...processConfig.shape,
    ...statementConfig.shape,
    TALLY_GROUP: z.string().min(1).default('tally'),
    TALLY_ADMIN_KEY: z.string().min(16),
    TALLY_API_HOST: z.string().default('127.0.0.1'),
    /** 0 is any free port. */
    TALLY_API_PORT: wholeNumber(0, 65_535, 8080),
    /** Where browsers reach the api if a proxy stands before it; with `https:` cookies are sent over TLS alone. */
    TALLY_API_PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  })
  .superRefine(checkAccessConfig);

export type ApiConfig = z.infer<typeof apiConfig>;
