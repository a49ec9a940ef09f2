import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_TRUST_DOMAIN } from '@lateen/api/spiffe-id.ts';
import { type Citadel, type CitadelOptions, startCitadel } from '#citadel/start.ts';
import { createTokenIssuer, type TokenIssuer } from '#citadel/tokens/issuer.ts';
import { type SecretsStatus, WorkloadSecrets, type WorkloadSecretsOptions } from '../workload-secrets.ts';

/** A Citadel of its own in a new directory, and workloads that get their certificates from it. */
export interface TestAuthority {
  readonly dir: string;
  readonly csrSocket: string;
  readonly tokens: TokenIssuer;
  readonly citadel: () => Citadel;
  /** Ends Citadel and leaves its state. */
  stopCitadel(): Promise<void>;
  startCitadel(options?: Partial<CitadelOptions>): Promise<void>;
  workload(serviceAccount: string, options?: Partial<WorkloadSecretsOptions>): TestWorkload;
  close(): Promise<void>;
}

export interface TestWorkload {
  readonly secrets: WorkloadSecrets;
  readonly sdsSocket: string;
  /** Resolves when the status fulfils the condition. */
  until(condition: (status: SecretsStatus) => boolean): Promise<SecretsStatus>;
}

export async function createTestAuthority(): Promise<TestAuthority> {
  const dir = await mkdtemp(join(tmpdir(), 'lat-'));
  const csrSocket = join(dir, 'csr.sock');
  const tokens = await createTokenIssuer(dir);
  const started: WorkloadSecrets[] = [];
  let citadel: Citadel | undefined;
  const authority: TestAuthority = {
    dir,
    csrSocket,
    tokens,
    citadel() {
      if (!citadel) throw new Error('Citadel is not started');
      return citadel;
    },
    async startCitadel(options) {
      citadel = await startCitadel({ stateDir: dir, socket: csrSocket, ...options });
    },
    async stopCitadel() {
      await citadel?.close();
      citadel = undefined;
    },
    workload(serviceAccount, options = {}) {
      const identity = { trustDomain: DEFAULT_TRUST_DOMAIN, namespace: 'default', serviceAccount };
      const sdsSocket = join(dir, `sds-${started.length}.sock`);
      const waiting = new Set<() => void>();
      const secrets = new WorkloadSecrets({
        identity,
        token: () => tokens.issue(identity),
        csrSocket,
        sdsSocket,
        onStatus: () => {
          for (const check of waiting) check();
        },
        ...options,
      });
      started.push(secrets);
      const until = (condition: (status: SecretsStatus) => boolean): Promise<SecretsStatus> =>
        new Promise((resolve) => {
          const check = (): void => {
            if (!condition(secrets.status())) return;
            waiting.delete(check);
            resolve(secrets.status());
          };
          waiting.add(check);
          check();
        });
      return { secrets, sdsSocket, until };
    },
    async close() {
      await Promise.all(started.map((secrets) => secrets.close()));
      await authority.stopCitadel();
      await rm(dir, { recursive: true, force: true });
    },
  };
  await authority.startCitadel();
  return authority;
}
