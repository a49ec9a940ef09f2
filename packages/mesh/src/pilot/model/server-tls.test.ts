import type { ServerTls } from '@lateen/api/istio/server-tls.ts';
import { describe, expect, it } from 'vitest';
import { buildServerTls, type TerminatingTls } from './server-tls.ts';

const source = { kind: 'Gateway', namespace: 'x', name: 'g', path: 'spec.servers[0].tls' };

function ended(tls: ServerTls): TerminatingTls {
  const built = buildServerTls(tls, source);
  if (built.type !== 'terminate') throw new Error('TLS is not ended');
  return built;
}

describe('TLS that is not ended', () => {
  it.each([
    [{}, 'rules'],
    [{ mode: 'PASSTHROUGH' }, 'rules'],
    [{ mode: 'AUTO_PASSTHROUGH' }, 'server-name'],
  ] as const)('%j is routed by %s', (tls, routedBy) => {
    expect(buildServerTls(tls, source)).toEqual({ type: 'passthrough', routedBy });
  });
});

describe('a certificate', () => {
  it('comes from a Secret, or from several', () => {
    expect(ended({ mode: 'SIMPLE', credentialName: 'a' })).toMatchObject({
      certificates: [{ name: 'kubernetes://a', from: 'pilot' }],
      credentials: [{ name: 'a', part: 'key-pair', path: 'spec.servers[0].tls.credentialName' }],
    });
    expect(ended({ mode: 'SIMPLE', credentialNames: ['rsa', 'ecdsa'] })).toMatchObject({
      certificates: [{ name: 'kubernetes://rsa' }, { name: 'kubernetes://ecdsa' }],
      credentials: [{ path: 'spec.servers[0].tls.credentialNames[0]' }, { name: 'ecdsa' }],
    });
  });

  it('comes from files, which Envoy reads', () => {
    expect(ended({ mode: 'SIMPLE', serverCertificate: '/c.pem', privateKey: '/k.pem' })).toMatchObject({
      certificates: [{ name: 'file-cert:/c.pem~/k.pem', from: 'pilot' }],
      files: [
        {
          type: 'certificate',
          chain: { type: 'file', path: '/c.pem' },
          privateKey: { type: 'file', path: '/k.pem' },
          sources: [source],
        },
      ],
      credentials: [],
    });
  });

  it('is that of the mesh', () => {
    expect(ended({ mode: 'ISTIO_MUTUAL' })).toMatchObject({
      isMesh: true,
      certificates: [{ name: 'default', from: 'agent' }],
      clients: { required: true, authorities: { name: 'ROOTCA', from: 'agent' } },
    });
  });
});

describe("clients' certificates", () => {
  it('are not asked for in the mode SIMPLE, may be missing in OPTIONAL_MUTUAL and not in MUTUAL', () => {
    const clientsOf = (mode: 'SIMPLE' | 'MUTUAL' | 'OPTIONAL_MUTUAL') =>
      ended({ mode, credentialName: 'a' }).clients?.required;
    expect(clientsOf('SIMPLE')).toBeUndefined();
    expect(clientsOf('OPTIONAL_MUTUAL')).toBe(false);
    expect(clientsOf('MUTUAL')).toBe(true);
  });

  it('are checked against what is beside the key, named by itself, or in a file', () => {
    const key = { mode: 'MUTUAL', credentialName: 'a' } as const;
    const authoritiesOf = (tls: ServerTls) => ended(tls).clients?.authorities?.name;
    expect(authoritiesOf(key)).toBe('kubernetes://a-cacert');
    expect(authoritiesOf({ ...key, caCertCredentialName: 'b' })).toBe('kubernetes://b-cacert');
    expect(authoritiesOf({ ...key, caCertificates: '/ca.pem' })).toBe('file-root:/ca.pem');
    expect(authoritiesOf({ ...key, caCertificates: '/ca.pem', caCrl: '/crl.pem' })).toBe('file-root:/ca.pem~/crl.pem');
  });

  it('may have to be for a name, or one of the given ones', () => {
    const checked = {
      subjectAltNames: ['a.test'],
      verifyCertificateHash: ['aa'],
      verifyCertificateSpki: ['bb'],
      insecureSkipVerify: true,
    };
    expect(ended({ mode: 'MUTUAL', credentialName: 'a', ...checked }).clients).toMatchObject({
      names: ['a.test'],
      certificateHashes: ['aa'],
      publicKeyHashes: ['bb'],
      untrusted: true,
    });
  });
});

describe('versions', () => {
  it('are left to the defaults of the mesh where nothing is said', () => {
    const { parameters } = ended({ mode: 'SIMPLE', credentialName: 'a', minProtocolVersion: 'TLS_AUTO' });
    expect(parameters).toEqual({});
  });

  it('are those that are given', () => {
    const { parameters } = ended({
      mode: 'SIMPLE',
      credentialName: 'a',
      minProtocolVersion: 'TLSV1_0',
      maxProtocolVersion: 'TLSV1_2',
      cipherSuites: ['ECDHE-RSA-AES128-GCM-SHA256'],
    });
    expect(parameters).toEqual({
      minVersion: '1.0',
      maxVersion: '1.2',
      cipherSuites: ['ECDHE-RSA-AES128-GCM-SHA256'],
    });
  });
});
