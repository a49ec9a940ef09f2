import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type CertificateRequest, requestCertificate } from '#agent/secrets/certificate-client.ts';
import type { WorkloadCertificate, WorkloadIdentity } from '#agent/secrets/workload-certificate.ts';
import { startCitadel } from '#citadel/start.ts';
import { createTokenIssuer } from '#citadel/tokens/issuer.ts';

/** A Citadel with roots of its own. */
export interface TestAuthority {
  certificateRequest(identity: WorkloadIdentity): CertificateRequest;
  issue(identity: WorkloadIdentity): Promise<WorkloadCertificate>;
  close(): Promise<void>;
}

export async function startTestAuthority(dir: string, name: string): Promise<TestAuthority> {
  const stateDir = join(dir, name);
  mkdirSync(stateDir, { mode: 0o700 });
  const csrSocket = join(dir, `${name}.sock`);
  const tokens = await createTokenIssuer(stateDir);
  const citadel = await startCitadel({ stateDir, socket: csrSocket });
  const certificateRequest = (identity: WorkloadIdentity) => ({
    identity,
    token: () => tokens.issue(identity),
    csrSocket,
  });
  return {
    certificateRequest,
    issue: (identity) => requestCertificate(certificateRequest(identity), new AbortController().signal),
    close: () => citadel.close(),
  };
}
