import type { PeerAuthentication } from '@lateen/api/kinds.ts';
import { describe, expect, it } from 'vitest';
import { buildPeerPolicy, decidePeerPolicy } from './authentication.ts';

function policy(name: string, spec: PeerAuthentication['spec']) {
  return buildPeerPolicy({
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name, namespace: 'default' },
    spec,
  } as PeerAuthentication);
}

const strictMesh = policy('mesh', { mtls: { mode: 'STRICT' } });
const permissiveNamespace = policy('namespace', { mtls: { mode: 'PERMISSIVE' } });
const disabledWorkload = policy('workload', { selector: { matchLabels: { app: 'a' } }, mtls: { mode: 'DISABLE' } });
const unset = policy('unset', { selector: { matchLabels: { app: 'a' } }, mtls: { mode: 'UNSET' } });
const strictPort = policy('port', {
  selector: { matchLabels: { app: 'a' } },
  mtls: { mode: 'DISABLE' },
  portLevelMtls: { 8080: { mode: 'STRICT' }, 9090: { mode: 'UNSET' } },
});

const labels = { app: 'a', version: 'v1' };

describe('the policy for peers', () => {
  it('is permissive if nothing is said', () => {
    expect(decidePeerPolicy(labels, 8080, [], [])).toEqual({ mode: 'permissive', sources: [] });
  });

  it('is the narrowest one that says something', () => {
    const modeOf = (own: Parameters<typeof decidePeerPolicy>[2], port = 8080, of: Record<string, string> = labels) =>
      decidePeerPolicy(of, port, own, [strictMesh]).mode;
    expect(modeOf([])).toBe('strict');
    expect(modeOf([permissiveNamespace])).toBe('permissive');
    expect(modeOf([permissiveNamespace, disabledWorkload])).toBe('none');
    expect(modeOf([permissiveNamespace, disabledWorkload], 8080, { app: 'b' })).toBe('permissive');
    expect(modeOf([permissiveNamespace, unset])).toBe('permissive');
    expect(modeOf([unset])).toBe('strict');
    expect(modeOf([strictPort], 8080)).toBe('strict');
    expect(modeOf([strictPort], 9090)).toBe('none');
    expect(modeOf([strictPort], 7070)).toBe('none');
  });

  it('says where it comes from', () => {
    expect(decidePeerPolicy(labels, 8080, [strictPort], []).sources).toEqual([
      { kind: 'PeerAuthentication', namespace: 'default', name: 'port', path: 'spec.portLevelMtls[8080]' },
    ]);
    expect(decidePeerPolicy(labels, 8080, [], [strictMesh]).sources).toMatchObject([{ name: 'mesh' }]);
  });

  it('takes an empty selector for none', () => {
    expect(policy('empty', { selector: { matchLabels: {} }, mtls: { mode: 'STRICT' } })).not.toHaveProperty('selector');
  });

  it('of the mesh has no selector', () => {
    expect(decidePeerPolicy(labels, 8080, [], [disabledWorkload]).mode).toBe('permissive');
  });
});
