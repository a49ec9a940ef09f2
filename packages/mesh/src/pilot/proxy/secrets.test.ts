import { nodeIdOf, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { expect, test } from 'vitest';
import type { Pilot } from '../pilot.ts';
import { gatewayOf, pilotOf, sidecarOf } from '../testing/pilot-of.ts';
import { printResource } from '../xds/print-resource.ts';

const gateway = gatewayOf({ 443: 8443 });

function secretText(name: string, values: string, namespace = 'default', kind = 'Secret'): string {
  const field = kind === 'Secret' ? 'stringData' : 'data';
  return `---\n{apiVersion: v1, kind: ${kind}, metadata: {name: ${name}, namespace: ${namespace}}, ${field}: {${values}}}\n`;
}

/** Name and content of each secret that the proxy may ask for. */
function offered({ resolved }: Pilot, proxy: WorkloadInstance): Record<string, string> {
  const refs = resolved.shared.get(nodeIdOf(proxy))?.secrets ?? new Map<string, string>();
  return Object.fromEntries(
    [...refs].map(([name, key]) => {
      const secret = resolved.secrets.get(key);
      const data = secret?.type === 'certificate' ? secret.chain : secret?.roots;
      return [name, data?.type === 'text' ? data.text : ''];
    }),
  );
}

test('gateways are offered the Secrets of their own namespace; sidecars none', () => {
  const sidecar = sidecarOf('a');
  const pilot = pilotOf(
    secretText('here', 'tls.crt: here, tls.key: key') + secretText('there', 'tls.crt: there, tls.key: key', 'other'),
    gateway,
    sidecar,
  );
  expect(offered(pilot, gateway)).toEqual({ 'kubernetes://here': 'here' });
  expect(offered(pilot, sidecar)).toEqual({});
});

test('the authorities beside a key pair, and those of a Secret of their own, which are preferred', () => {
  const both = secretText('a', 'tls.crt: a, tls.key: key, ca.crt: beside') + secretText('b', 'cert: b, key: key');
  expect(offered(pilotOf(both, gateway), gateway)).toEqual({
    'kubernetes://a': 'a',
    'kubernetes://a-cacert': 'beside',
    'kubernetes://b': 'b',
  });
  const own = secretText('a-cacert', 'cacert: own-a') + secretText('b-cacert', 'ca.crt: own-b');
  expect(offered(pilotOf(both + own, gateway), gateway)).toMatchObject({
    'kubernetes://a-cacert': 'own-a',
    'kubernetes://b-cacert': 'own-b',
  });
});

test('authorities of a ConfigMap, where no Secret of the name has any', () => {
  const map = secretText('roots', 'ca.crt: of-map', 'default', 'ConfigMap');
  expect(offered(pilotOf(map, gateway), gateway)).toEqual({ 'kubernetes://roots-cacert': 'of-map' });
  expect(offered(pilotOf(map + secretText('roots', 'cacert: of-secret'), gateway), gateway)).toEqual({
    'kubernetes://roots-cacert': 'of-secret',
  });
});

test('nobody is shown a private key', () => {
  const pilot = pilotOf(secretText('a', 'tls.crt: public, tls.key: private-text'), gateway);
  const name = 'kubernetes://a';
  const { resources, holdings } = pilot.resources;
  const resource = resources.get(holdings.get(nodeIdOf(gateway))?.secret.get(name) ?? '');
  if (resource === undefined) throw new Error('there is no such secret');
  expect(Buffer.from(resource.bytes).includes('private-text')).toBe(true);
  expect(printResource(resource)).toEqual({
    name,
    tls_certificate: {
      certificate_chain: { inline_string: 'public' },
      private_key: { inline_string: '[redacted]' },
    },
  });
});
