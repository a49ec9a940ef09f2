import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import type { MeshStatus } from '@lateen/api/admin.ts';
import { DEFAULT_TRUST_DOMAIN } from '@lateen/api/spiffe-id.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestCertificate } from '#agent/secrets/certificate-client.ts';
import { createTokenIssuer } from '#citadel/tokens/issuer.ts';
import { meshPaths } from '#local/state-paths.ts';
import { startTestAuthority } from '../golden/test-authority.ts';
import { callThrough, eventually, fetchText, isRunning, replica, Sandbox } from './mesh.ts';

const STRICT = `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: STRICT}}
`;

const REQUEST = 'GET /details/0 HTTP/1.1\r\nHost: details\r\nConnection: close\r\n\r\n';

const sandbox = new Sandbox();
let status: MeshStatus;
beforeAll(async () => {
  status = await sandbox.up();
});
afterAll(() => sandbox.close());

/** What comes back for a request in plaintext: its status line, or `refused`. */
function plaintext(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, '127.0.0.1', () => socket.write(REQUEST));
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', () => resolve('refused'));
    socket.on('close', () => resolve(text.split('\r\n', 1)[0] || 'refused'));
  });
}

interface Handshake {
  readonly outcome: 'accepted' | 'refused';
  readonly peer?: string;
}

/** A TLS connection with the mesh's ALPN; `accepted` once an HTTP answer comes back. */
function handshake(port: number, certificate?: { cert: string; key: string }): Promise<Handshake> {
  return new Promise((resolve) => {
    const socket = connectTls({
      port,
      host: '127.0.0.1',
      servername: 'outbound_.9080_._.details.default.svc.cluster.local',
      ALPNProtocols: ['istio'],
      rejectUnauthorized: false,
      ...certificate,
    });
    let peer: string | undefined;
    let text = '';
    socket.on('secureConnect', () => {
      peer = socket.getPeerX509Certificate()?.subjectAltName;
      socket.write(REQUEST);
    });
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', () => {});
    socket.on('close', () =>
      resolve({ outcome: text.startsWith('HTTP/1') ? 'accepted' : 'refused', ...(peer === undefined ? {} : { peer }) }),
    );
  });
}

describe('mutual TLS', () => {
  it('is what sidecars speak with each other from the start', async () => {
    const answer = await callThrough(replica(status, 'productpage-v1'), 'http://details:9080/details/0');
    expect(answer.status).toBe(200);
    const stats = await fetch(`${replica(status, 'details-v1').envoyAdmin}/stats?filter=ssl.handshake`);
    const handshakes = [...(await stats.text()).matchAll(/^listener\..*ssl\.handshake: (\d+)$/gm)];
    expect(handshakes.some(([, count]) => Number(count) > 0)).toBe(true);
  });

  it('lets plaintext in as long as nothing says STRICT', async () => {
    expect(await plaintext(replica(status, 'details-v1').inbound.port)).toMatch(/^HTTP\/1\.[01] 200/);
  });

  it('refuses plaintext at an inbound port that is STRICT', async () => {
    sandbox.write('strict.yaml', STRICT);
    const { port } = replica(status, 'details-v1').inbound;
    await eventually('plaintext refused', async () => (await plaintext(port)) === 'refused');
    expect((await callThrough(replica(status, 'productpage-v1'), 'http://details:9080/details/0')).status).toBe(200);
  });

  it('shows the SPIFFE ID of the service account, and refuses a client without a certificate', async () => {
    const { outcome, peer } = await handshake(replica(status, 'details-v1').inbound.port);
    expect(peer).toBe('URI:spiffe://cluster.local/ns/default/sa/bookinfo-details');
    expect(outcome).toBe('refused');
  });

  it('lets a client with a certificate of the mesh in', async () => {
    const { stateDir, runDir } = meshPaths('bookinfo', join(sandbox.home, 'state'));
    const tokens = await createTokenIssuer(stateDir);
    const identity = { namespace: 'default', serviceAccount: 'bookinfo-productpage' };
    const { chain, privateKey } = await requestCertificate(
      {
        identity: { trustDomain: DEFAULT_TRUST_DOMAIN, ...identity },
        token: () => tokens.issue(identity),
        csrSocket: join(runDir, 'csr.sock'),
      },
      AbortSignal.timeout(10_000),
    );
    const { outcome } = await handshake(replica(status, 'details-v1').inbound.port, { cert: chain, key: privateKey });
    expect(outcome).toBe('accepted');
  });

  it('refuses a certificate of another root, even for an identity of the mesh', async () => {
    const foreign = await startTestAuthority(sandbox.home, 'foreign');
    try {
      const { chain, privateKey } = await foreign.issue({
        namespace: 'default',
        serviceAccount: 'bookinfo-productpage',
      });
      const { outcome } = await handshake(replica(status, 'details-v1').inbound.port, { cert: chain, key: privateKey });
      expect(outcome).toBe('refused');
    } finally {
      await foreign.close();
    }
  });

  it('lets a workload be an exception from STRICT', async () => {
    sandbox.write(
      'strict.yaml',
      `${STRICT}---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: ratings}
spec: {selector: {matchLabels: {app: ratings}}, mtls: {mode: DISABLE}}
`,
    );
    await eventually('plaintext let in at ratings', async () =>
      (await plaintext(replica(status, 'ratings-v1').inbound.port)).includes(' 404'),
    );
    expect(await plaintext(replica(status, 'details-v1').inbound.port)).toBe('refused');
    const answer = await callThrough(replica(status, 'reviews-v2'), 'http://ratings:9080/ratings/0');
    expect(answer.status).toBe(200);
  });
});

describe('what is on disk', () => {
  it('keeps keys and state to their owner', () => {
    const state = join(sandbox.home, 'state/meshes/bookinfo');
    const mode = (path: string) => execFileSync('stat', ['-c', '%a', join(state, path)], { encoding: 'utf8' }).trim();
    expect(mode('.')).toBe('700');
    expect(mode('ca')).toBe('700');
    expect(mode('ca/ca-key.pem')).toBe('600');
    expect(mode('ca/root-key.pem')).toBe('600');
    expect(mode('mesh.json')).toBe('600');
    const root = new X509Certificate(readFileSync(join(state, 'ca/root-cert.pem')));
    expect(root.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    expect(root.checkIssued(root)).toBe(true);
  });

  it('has no private key of a workload, nor a token, in any log', () => {
    const logs = join(sandbox.home, 'state/meshes/bookinfo/logs');
    const found = execFileSync('sh', ['-c', `grep -rlE 'PRIVATE KEY|eyJhbGciOi' '${logs}' || true`], {
      encoding: 'utf8',
    });
    expect(found).toBe('');
  });
});

describe("Envoy's admin server", () => {
  it('shows its state, and does not let a web page end it', async () => {
    const { envoyAdmin, envoyPid } = replica(status, 'details-v1');
    expect((await fetchText(`${envoyAdmin}/server_info`)).status).toBe(200);
    for (const path of ['/quitquitquit', '/healthcheck/fail', '/runtime_modify?a=b']) {
      expect((await fetchText(`${envoyAdmin}${path}`, {}, 'POST')).status, path).toBe(403);
    }
    expect(isRunning(envoyPid ?? 0)).toBe(true);
  });
});
