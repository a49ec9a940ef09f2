import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_TRUST_DOMAIN } from '@lateen/api/spiffe-id.ts';
import { type CertificateRequest, requestCertificate } from '#agent/secrets/certificate-client.ts';
import type { WorkloadCertificate } from '#agent/secrets/workload-certificate.ts';
import type { ServiceAccountIdentity } from '#citadel/identity/spiffe.ts';
import { startCitadel } from '#citadel/start.ts';
import { createTokenIssuer } from '#citadel/tokens/issuer.ts';

/** A Citadel with roots of its own. */
export interface TestAuthority {
  certificateRequest(identity: ServiceAccountIdentity): CertificateRequest;
  issue(identity: ServiceAccountIdentity): Promise<WorkloadCertificate>;
  close(): Promise<void>;
}

export async function startTestAuthority(dir: string, name: string): Promise<TestAuthority> {
  const stateDir = join(dir, name);
  mkdirSync(stateDir, { mode: 0o700 });
  const csrSocket = join(dir, `${name}.sock`);
  const tokens = await createTokenIssuer(stateDir);
  const citadel = await startCitadel({ stateDir, socket: csrSocket });
  const certificateRequest = (identity: ServiceAccountIdentity) => ({
    identity: { trustDomain: DEFAULT_TRUST_DOMAIN, ...identity },
    token: () => tokens.issue(identity),
    csrSocket,
  });
  return {
    certificateRequest,
    issue: (identity) => requestCertificate(certificateRequest(identity), new AbortController().signal),
    close: () => citadel.close(),
  };
}
