import { describe, expect, test } from 'vitest';
import { kinds } from '../kinds.ts';
import { findingsIn } from '../testing/findings-in.ts';

const service = { group: '', kind: 'Service', name: 'reviews' };
const authority = { group: '', kind: 'ConfigMap', name: 'ca' };
const validation = { hostname: 'reviews.example.com', caCertificateRefs: [authority] };

/** What both kinds that say which certificates a backend may have ask for. */
const VALIDATIONS: readonly (readonly [string, object, string])[] = [
  [
    'two sources of authorities',
    { ...validation, wellKnownCACertificates: 'System' },
    '.wellKnownCACertificates: caCertificateRefs and wellKnownCACertificates exclude each other',
  ],
  ['no authorities', { hostname: 'a.b' }, ': one of caCertificateRefs or wellKnownCACertificates must be set'],
  [
    'an empty list of authorities',
    { hostname: 'a.b', caCertificateRefs: [] },
    ': one of caCertificateRefs or wellKnownCACertificates must be set',
  ],
  [
    'authorities that nobody knows',
    { hostname: 'a.b', wellKnownCACertificates: 'Mine' },
    ".wellKnownCACertificates: must be System, or DOMAIN/NAME as an implementation defines it, not 'Mine'",
  ],
  [
    'a host with a wildcard',
    { ...validation, hostname: '*.b' },
    ".hostname: must be a host name in lower case, without wildcard, not '*.b'",
  ],
  [
    'no host',
    { ...validation, subjectAltNames: [{ type: 'Hostname' }] },
    '.subjectAltNames[0].hostname: must be set for the type Hostname',
  ],
  [
    'a URI as host',
    { ...validation, subjectAltNames: [{ type: 'Hostname', hostname: 'a', uri: 'spiffe://a/b' }] },
    '.subjectAltNames[0].uri: must not be set for the type Hostname',
  ],
  [
    'no URI',
    { ...validation, subjectAltNames: [{ type: 'URI' }] },
    '.subjectAltNames[0].uri: must be set for the type URI',
  ],
  [
    'a host as URI',
    { ...validation, subjectAltNames: [{ type: 'URI', hostname: 'a', uri: 'spiffe://a/b' }] },
    '.subjectAltNames[0].hostname: must not be set for the type URI',
  ],
  [
    'a URI without scheme',
    { ...validation, subjectAltNames: [{ type: 'URI', uri: 'a/b' }] },
    ".subjectAltNames[0].uri: must be a URI with scheme and authority, such as spiffe://cluster.local/ns/default/sa/reviews, not 'a/b'",
  ],
];

describe('BackendTLSPolicy', () => {
  const policy = (spec: object) => findingsIn(kinds.BackendTLSPolicy, { targetRefs: [service], validation, ...spec });

  test('with everything', () => {
    const subjectAltNames = [
      { type: 'Hostname', hostname: '*.example.com' },
      { type: 'URI', uri: 'spiffe://cluster.local/ns/default/sa/reviews' },
    ];
    const spec = {
      targetRefs: [
        { ...service, sectionName: 'https' },
        { ...service, sectionName: 'grpcs' },
        { ...service, name: 'ratings' },
      ],
      validation: { hostname: 'a.b', wellKnownCACertificates: 'System', subjectAltNames },
      options: { 'example.com/tls-version': '1.3' },
    };
    expect(policy(spec)).toEqual([]);
  });

  test.each(VALIDATIONS)('refused: %s', (_, value, finding) => {
    expect(policy({ validation: value })).toEqual([`spec.validation${finding}`]);
  });

  test.each([
    [[service, service], 'spec.targetRefs[1]: names the same part of the target as an earlier one'],
    [
      [{ ...service, sectionName: 'a' }, service],
      'spec.targetRefs[1]: all elements for one target must have a sectionName, if there are several',
    ],
    [
      [service, { ...service, sectionName: 'a' }],
      'spec.targetRefs[1]: all elements for one target must have a sectionName, if there are several',
    ],
  ])('targets are told apart', (targetRefs, finding) => {
    expect(policy({ targetRefs })).toEqual([finding]);
  });
});

describe('XBackend', () => {
  const base = { type: 'ExternalHostname', externalHostname: { hostname: 'a.example' }, port: { port: 443 } };
  const backend = (more: object) => findingsIn(kinds.XBackend, { ...base, ...more });
  const tls = { mode: 'ClientAndServer', clientCertificateRef: { name: 'cert' }, validation };

  test('with everything', () => {
    expect(backend({ protocol: 'H2C', tls, port: { port: 443, name: 'https' } })).toEqual([]);
    expect(backend({ tls: { mode: 'ServerOnly' }, port: { port: 443, name: '' } })).toEqual([]);
  });

  test.each(VALIDATIONS)('refused: %s', (_, value, finding) => {
    expect(backend({ tls: { mode: 'ServerOnly', validation: value } })).toEqual([`spec.tls.validation${finding}`]);
  });

  test.each([
    [
      'a certificate that is not shown',
      { tls: { ...tls, mode: 'ServerOnly' } },
      'spec.tls.clientCertificateRef: must not be set with the mode ServerOnly',
    ],
    [
      'no certificate',
      { tls: { mode: 'ClientAndServer' } },
      'spec.tls.clientCertificateRef: must be set with the mode ClientAndServer',
    ],
    [
      'a host of the cluster',
      { externalHostname: { hostname: 'a.b.svc.cluster.local' } },
      "spec.externalHostname.hostname: must be a host outside of the cluster, by name, not 'a.b.svc.cluster.local'",
    ],
    [
      'an address',
      { externalHostname: { hostname: '10.0.0.1' } },
      "spec.externalHostname.hostname: must be a host outside of the cluster, by name, not '10.0.0.1'",
    ],
    [
      'a port name that is none',
      { port: { port: 1, name: 'A' } },
      "spec.port.name: must be a name of at most 63 of a-z, 0-9 and '-', with a letter or digit at both ends, not 'A'",
    ],
  ])('refused: %s', (_, more, finding) => {
    expect(backend(more)).toEqual([finding]);
  });

  test('the host is needed', () => {
    expect(findingsIn(kinds.XBackend, { type: 'ExternalHostname', port: { port: 1 } })).toEqual([
      'spec.externalHostname: must be set for the type ExternalHostname',
    ]);
  });
});

describe('XBackendTrafficPolicy', () => {
  const policy = (more: object) => findingsIn(kinds.XBackendTrafficPolicy, { targetRefs: [service], ...more });

  test('with everything', () => {
    const budget = { percent: 0, interval: '1h' };
    const minRetryRate = { count: 1, interval: '1ms' };
    expect(policy({ retryConstraint: { budget, minRetryRate }, sessionPersistence: {} })).toEqual([]);
  });

  test.each([
    [
      'a short time of a budget',
      { retryConstraint: { budget: { interval: '999ms' } } },
      'spec.retryConstraint.budget.interval: must be from 1s to 1h, not 999ms',
    ],
    [
      'a long time of a budget',
      { retryConstraint: { budget: { interval: '61m' } } },
      'spec.retryConstraint.budget.interval: must be from 1s to 1h, not 61m',
    ],
    [
      'no time of a rate',
      { retryConstraint: { minRetryRate: { interval: '0s' } } },
      'spec.retryConstraint.minRetryRate.interval: must be from 1ms to 1h, not 0s',
    ],
    ['a target twice', { targetRefs: [service, service] }, "spec.targetRefs[1]: '/Service/reviews' is listed twice"],
    [
      'a cookie for ever',
      { sessionPersistence: { cookieConfig: { lifetimeType: 'Permanent' } } },
      'spec.sessionPersistence.absoluteTimeout: must be set for cookies with the lifetimeType Permanent',
    ],
  ])('refused: %s', (_, more, finding) => {
    expect(policy(more)).toEqual([finding]);
  });
});

test('ServiceImport', () => {
  const port = { name: 'http', protocol: 'TCP', appProtocol: 'http', port: 80 };
  const spec = {
    type: 'ClusterSetIP',
    ports: [port],
    ips: ['10.0.0.1'],
    sessionAffinity: 'ClientIP',
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 10 } },
    ipFamilies: ['IPv4'],
    internalTrafficPolicy: 'Local',
    trafficDistribution: 'PreferClose',
  };
  expect(findingsIn(kinds.ServiceImport, spec)).toEqual([]);
  expect(findingsIn(kinds.ServiceImport, { type: 'ExternalName', ports: [{}], ips: ['a'] })).toEqual([
    'spec.ports[0].port: is required, but missing',
    "spec.type: must be ClusterSetIP or Headless, not 'ExternalName'",
    "spec.ips[0]: must be an IP address, not 'a'",
  ]);
});
