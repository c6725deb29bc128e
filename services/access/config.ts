/**
 * How callers are known, from the environment. Tokens of an identity provider (OIDC) are off until an issuer is named.
 */
import { wholeNumber } from '@tally/platform/config';
import { z } from 'zod';

/** Signatures by a key that only the provider has. `none` and the HS ones, whose key would be the public one, are not here. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

const list = (text: string): string[] =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');

export const accessConfig = z.object({
  /** `iss` of the tokens, byte for byte; empty: tokens are not taken. */
  TALLY_OIDC_ISSUER: z.string().default(''),
  /** `aud` of the tokens, one or several with commas between; needed with an issuer. */
  TALLY_OIDC_AUDIENCE: z.string().default('').transform(list),
  /** Where the issuer's public keys are (JWKS); needed with an issuer. */
  TALLY_OIDC_JWKS_URL: z.union([z.literal(''), z.url({ protocol: /^https?$/ })]).default(''),
  TALLY_OIDC_ALGORITHMS: z
    .string()
    .default('RS256,PS256,ES256,EdDSA')
    .transform(list)
    .pipe(z.array(z.enum(ALGORITHMS)).min(1)),
  /** How far the issuer's clock may be off. */
  TALLY_OIDC_CLOCK_SKEW_SECONDS: wholeNumber(0, 300, 30),
  /** Keys are asked for again at the latest after this. */
  TALLY_OIDC_JWKS_KEPT_MS: wholeNumber(1_000, 86_400_000, 600_000),
  /** A token with an unknown key makes them be asked for again at most this often. */
  TALLY_OIDC_JWKS_COOLDOWN_MS: wholeNumber(100, 3_600_000, 30_000),
  /** Claim with a role, or a list of them, of which the first of admin, analyst, viewer, producer holds. Dots lead inside. */
  TALLY_OIDC_ROLE_CLAIM: z.string().min(1).default('tally_role'),
  /** Claim with the tenants, a list or words with spaces between; `*` is all of them. Without it a token opens nothing. */
  TALLY_OIDC_TENANTS_CLAIM: z.string().min(1).default('tally_tenants'),
  /** Wrong keys and tokens from one address in a minute; further ones are answered 429 unlooked at. */
  TALLY_WRONG_KEYS_PER_MINUTE_MAX: wholeNumber(1, 1_000_000, 60),
});

export type AccessConfig = z.infer<typeof accessConfig>;

/** Faults that only show when all settings are looked at. For `superRefine` of a service's schema. */
export function checkAccessConfig(
  config: AccessConfig,
  context: { addIssue: (issue: { code: 'custom'; path: string[]; message: string }) => void },
): void {
  if (config.TALLY_OIDC_ISSUER === '') return;
  const complain = (name: string): void =>
    context.addIssue({ code: 'custom', path: [name], message: 'is needed with TALLY_OIDC_ISSUER' });
  if (config.TALLY_OIDC_AUDIENCE.length === 0) complain('TALLY_OIDC_AUDIENCE');
  if (config.TALLY_OIDC_JWKS_URL === '') complain('TALLY_OIDC_JWKS_URL');
}
