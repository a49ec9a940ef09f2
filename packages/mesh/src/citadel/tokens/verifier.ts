import * as errors from 'jose/errors';
import { jwtVerify } from 'jose/jwt/verify';
import { type ServiceAccountIdentity, validateIdentity } from '../identity/spiffe.ts';
import { maxTokenLifetimeMs, tokenAlgorithm, tokenAudience, tokenIssuer } from './claims.ts';
import { readVerificationKey } from './keys.ts';

/** A token that proves nothing. The message says why, without the token. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
}

export interface TokenVerifier {
  /** @throws TokenError */
  verify(token: string): Promise<ServiceAccountIdentity>;
}

/** Ours have about 300 bytes. */
const maxTokenLength = 4096;

/**
 * @throws LateenError when the key in `<stateDir>/tokens/` is missing (the issuer makes it), damaged or open to others
 */
export async function createTokenVerifier(
  stateDir: string,
  options: { readonly now?: () => Date } = {},
): Promise<TokenVerifier> {
  const { now = () => new Date() } = options;
  const key = await readVerificationKey(stateDir);
  return {
    async verify(token) {
      if (token.length > maxTokenLength) throw new TokenError('the token is too long');
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms: [tokenAlgorithm],
          audience: tokenAudience,
          issuer: tokenIssuer,
          requiredClaims: ['sub', 'exp', 'iat'],
          maxTokenAge: maxTokenLifetimeMs / 1000,
          currentDate: now(),
        });
        return identityOf(payload.sub ?? '');
      } catch (error) {
        throw error instanceof TokenError ? error : new TokenError(reasonOf(error));
      }
    },
  };
}

function identityOf(subject: string): ServiceAccountIdentity {
  const [, namespace, serviceAccount] = /^system:serviceaccount:([^:]*):([^:]*)$/.exec(subject) ?? [];
  if (namespace === undefined || serviceAccount === undefined)
    throw new TokenError('its subject is not a service account');
  return validateIdentity({ namespace, serviceAccount });
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'the token has expired';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the token is not signed by this mesh';
  if (error instanceof errors.JWTClaimValidationFailed) return `the token's claim "${error.claim}" is wrong`;
  if (error instanceof errors.JOSEAlgNotAllowed) return "the token's algorithm is not accepted";
  return 'the token is malformed';
}
