/**
 * Tokens of an identity provider: JWTs signed with one of the keys that it publishes (JWKS).
 */
import { TallyError } from '@tally/platform/errors';
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose';
import type { AccessConfig } from './config.ts';
import { type Caller, ROLES, type Role, type Scope } from './roles.ts';

const JWKS_TIMEOUT_MS = 5_000;
const NAME_CHARS_MAX = 200;
const TENANT = /^[A-Za-z0-9_.:-]{1,64}$/;

/** A token says who and for how long; refused ones say why, in words for their sender. */
export type TokenVerdict = { ok: true; caller: Caller } | { ok: false; detail: string };

export type VerifyToken = (token: string) => Promise<TokenVerdict>;

/** Undefined when no issuer is configured. The function throws `JWKS_UNAVAILABLE`, retriable. */
export function tokenVerifier(config: AccessConfig): VerifyToken | undefined {
  if (config.TALLY_OIDC_ISSUER === '') return undefined;
  const keys = createRemoteJWKSet(new URL(config.TALLY_OIDC_JWKS_URL), {
    cacheMaxAge: config.TALLY_OIDC_JWKS_KEPT_MS,
    cooldownDuration: config.TALLY_OIDC_JWKS_COOLDOWN_MS,
    timeoutDuration: JWKS_TIMEOUT_MS,
  });
  const options = {
    issuer: config.TALLY_OIDC_ISSUER,
    audience: config.TALLY_OIDC_AUDIENCE,
    algorithms: config.TALLY_OIDC_ALGORITHMS,
    clockTolerance: config.TALLY_OIDC_CLOCK_SKEW_SECONDS,
    requiredClaims: ['exp', 'sub'],
  };
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keys, options);
      return callerIn(payload, config);
    } catch (error) {
      return { ok: false, detail: refusalOf(error) };
    }
  };
}

function callerIn(payload: JWTPayload, config: AccessConfig): TokenVerdict {
  const role = roleIn(claimAt(payload, config.TALLY_OIDC_ROLE_CLAIM));
  if (!role) return { ok: false, detail: `the token’s ${config.TALLY_OIDC_ROLE_CLAIM} names no role` };
  const scope = scopeIn(claimAt(payload, config.TALLY_OIDC_TENANTS_CLAIM));
  if (!scope) return { ok: false, detail: `the token’s ${config.TALLY_OIDC_TENANTS_CLAIM} names no tenants` };
  const { sub = '', email, exp = 0 } = payload;
  const name = (typeof email === 'string' && email !== '' ? email : sub).slice(0, NAME_CHARS_MAX);
  return { ok: true, caller: { name, role, scope, keyId: '', via: 'token', expiresAt: exp * 1_000 } };
}

/** `a.b` is member b of member a, unless there is a claim of that whole name, as providers with URLs for names have. */
function claimAt(payload: JWTPayload, path: string): unknown {
  if (Object.hasOwn(payload, path)) return payload[path];
  return path.split('.').reduce<unknown>((at, name) => {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    return (at as Record<string, unknown>)[name];
  }, payload);
}

function roleIn(claim: unknown): Role | undefined {
  const named = wordsIn(claim);
  return ROLES.find((role) => named.includes(role));
}

/** Undefined when it names none, or something that can be no tenant: half a scope would be a wrong one. */
function scopeIn(claim: unknown): Scope | undefined {
  const named = wordsIn(claim);
  if (named.length === 1 && named[0] === '*') return '*';
  return named.length > 0 && named.every((tenant) => TENANT.test(tenant)) ? new Set(named) : undefined;
}

function wordsIn(claim: unknown): string[] {
  if (typeof claim === 'string') return claim.split(' ').filter((word) => word !== '');
  return Array.isArray(claim) && claim.every((one) => typeof one === 'string') ? claim : [];
}

/** Words by the kind of fault. Throws what is no fault of the token. */
function refusalOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'the token has expired';
  if (error instanceof errors.JWTClaimValidationFailed) return `the token’s ${error.claim} is not right`;
  if (error instanceof errors.JOSEAlgNotAllowed) return 'the token’s alg is not allowed';
  if (error instanceof errors.JWKSNoMatchingKey) return 'the token’s key is not one of the issuer’s';
  const { JWSSignatureVerificationFailed, JWTInvalid, JWSInvalid, JOSENotSupported, JWKSMultipleMatchingKeys } = errors;
  const malformed = [
    JWSSignatureVerificationFailed,
    JWTInvalid,
    JWSInvalid,
    JOSENotSupported,
    JWKSMultipleMatchingKeys,
  ];
  if (malformed.some((kind) => error instanceof kind)) return 'the token is not valid';
  throw new TallyError('the issuer’s keys are not to be had', {
    code: 'JWKS_UNAVAILABLE',
    retriable: true,
    cause: error,
  });
}
