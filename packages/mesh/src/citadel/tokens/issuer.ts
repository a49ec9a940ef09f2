import { SignJWT } from 'jose/jwt/sign';
import { type ServiceAccountIdentity, validateIdentity } from '../identity/spiffe.ts';
import { maxTokenLifetimeMs, tokenAlgorithm, tokenAudience, tokenIssuer } from './claims.ts';
import { openSigningKey } from './keys.ts';

/** Long enough for retries while a control plane restarts, short enough to be worthless soon. */
const defaultLifetimeMs = 10 * 60 * 1000;

export interface TokenIssuer {
  /**
   * A token that says the bearer runs as this ServiceAccount, as the token that Kubernetes mounts into a pod does. Ask
   * for a new one each time it is presented.
   * @throws LateenError LAT0440
   */
  issue(identity: ServiceAccountIdentity): Promise<string>;
}

export interface TokenIssuerOptions {
  /** At most an hour. */
  readonly lifetimeMs?: number;
  /** The clock, for tests. */
  readonly now?: () => Date;
}

/**
 * For who starts the workloads and so knows who they are: the supervisor of a mesh on one machine.
 * @throws LateenError when the key in `<stateDir>/tokens/` is damaged or open to others; it is made on first use
 */
export async function createTokenIssuer(stateDir: string, options: TokenIssuerOptions = {}): Promise<TokenIssuer> {
  const { lifetimeMs = defaultLifetimeMs, now = () => new Date() } = options;
  if (!(lifetimeMs > 0 && lifetimeMs <= maxTokenLifetimeMs)) throw new RangeError(`lifetimeMs: ${lifetimeMs}`);
  const key = await openSigningKey(stateDir);
  return {
    async issue(identity) {
      const { namespace, serviceAccount } = validateIdentity(identity);
      const issuedAt = Math.floor(now().getTime() / 1000);
      return new SignJWT()
        .setProtectedHeader({ alg: tokenAlgorithm, typ: 'JWT' })
        .setIssuer(tokenIssuer)
        .setSubject(`system:serviceaccount:${namespace}:${serviceAccount}`)
        .setAudience(tokenAudience)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + Math.ceil(lifetimeMs / 1000))
        .sign(key);
    },
  };
}
