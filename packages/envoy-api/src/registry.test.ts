import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { create, type DescMessage } from '@bufbuild/protobuf';
import { BootstrapSchema } from '@lateen/envoy-api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { ClusterSchema } from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import { ListenerSchema } from '@lateen/envoy-api/envoy/config/listener/v3/listener_pb.js';
import { RouterSchema } from '@lateen/envoy-api/envoy/extensions/filters/http/router/v3/router_pb.js';
import { HttpConnectionManagerSchema } from '@lateen/envoy-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { SecretSchema } from '@lateen/envoy-api/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import { DownstreamTlsContextSchema } from '@lateen/envoy-api/envoy/extensions/transport_sockets/tls/v3/tls_pb.js';
import { IstioCertificateService } from '@lateen/envoy-api/istio/v1/auth/ca_pb.js';
import { expect, test } from 'vitest';
import { allFiles, packAny, REDACTED, registry, toYamlObject } from './registry.ts';

const GEN = join(import.meta.dirname, '..', 'gen');

test('every generated file and type is known', () => {
  const generated = readdirSync(GEN, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('_pb.js'))
    .map((name) => name.replace(/_pb\.js$/, '.proto'));
  expect(generated.length).toBeGreaterThan(450);
  expect(
    allFiles()
      .map((file) => file.proto.name)
      .sort(),
  ).toEqual(generated.sort());
  let messages = 0;
  const visit = (message: DescMessage): void => {
    messages += 1;
    expect(registry().getMessage(message.typeName)).toBe(message);
    message.nestedMessages.forEach(visit);
  };
  for (const file of allFiles()) file.messages.forEach(visit);
  expect(messages).toBeGreaterThan(1400);
  expect(registry().getService(IstioCertificateService.typeName)?.methods[0]?.name).toBe('CreateCertificate');
});

test('the schemas of modules and registry are one and the same for the core files', () => {
  expect(registry().getMessage('envoy.config.cluster.v3.Cluster')).toBe(ClusterSchema);
});

test('prints as Envoy configuration, with every Any expanded', () => {
  const hcm = create(HttpConnectionManagerSchema, {
    statPrefix: 'in',
    codecType: 0,
    streamIdleTimeout: { seconds: 1n, nanos: 500_000_000 },
    useRemoteAddress: true,
    httpFilters: [
      { name: 'router', configType: { case: 'typedConfig', value: packAny(RouterSchema, create(RouterSchema)) } },
    ],
  });
  const listener = create(ListenerSchema, {
    name: 'l',
    perConnectionBufferLimitBytes: 1024,
    metadata: { filterMetadata: { b: { x: null }, a: { list: [1, 'two'] } } },
    address: {
      address: {
        case: 'socketAddress',
        value: { address: '127.0.0.1', portSpecifier: { case: 'portValue', value: 80 } },
      },
    },
    filterChains: [
      {
        filters: [{ name: 'h', configType: { case: 'typedConfig', value: packAny(HttpConnectionManagerSchema, hcm) } }],
      },
    ],
  });
  expect(toYamlObject(listener)).toEqual({
    name: 'l',
    address: { socket_address: { address: '127.0.0.1', port_value: 80 } },
    per_connection_buffer_limit_bytes: 1024,
    metadata: { filter_metadata: { a: { list: [1, 'two'] }, b: { x: null } } },
    filter_chains: [
      {
        filters: [
          {
            name: 'h',
            typed_config: {
              '@type':
                'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
              stat_prefix: 'in',
              use_remote_address: true,
              stream_idle_timeout: '1.500s',
              http_filters: [
                {
                  name: 'router',
                  typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
                },
              ],
            },
          },
        ],
      },
    ],
  });
});

test('an Any of an unknown type or with broken bytes keeps its bytes', () => {
  const bootstrap = (typeUrl: string) =>
    create(BootstrapSchema, {
      bootstrapExtensions: [{ name: 'x', typedConfig: { typeUrl, value: new Uint8Array([255]) } }],
    });
  for (const typeUrl of ['type.googleapis.com/acme.Unknown', 'type.googleapis.com/envoy.config.cluster.v3.Cluster']) {
    expect(toYamlObject(bootstrap(typeUrl))).toEqual({
      bootstrap_extensions: [{ name: 'x', typed_config: { '@type': typeUrl, value: '/w==' } }],
    });
  }
});

test('a foreign message is an error', () => {
  expect(() => toYamlObject({ $typeName: 'acme.Unknown' })).toThrow(/no acme\.Unknown/);
});

test('private keys are printed only when asked for, also inside an Any', () => {
  const key = { specifier: { case: 'inlineBytes' as const, value: Buffer.from('PRIVATE') } };
  const secret = create(SecretSchema, { name: 's', type: { case: 'tlsCertificate', value: { privateKey: key } } });
  expect(toYamlObject(secret)).toEqual({
    name: 's',
    tls_certificate: { private_key: { inline_bytes: REDACTED } },
  });
  const context = create(DownstreamTlsContextSchema, {
    commonTlsContext: {
      tlsCertificates: [{ privateKey: { specifier: { case: 'filename', value: '/key.pem' } } }, { privateKey: key }],
    },
  });
  const listener = create(ListenerSchema, {
    filterChains: [
      {
        transportSocket: {
          name: 't',
          configType: { case: 'typedConfig', value: packAny(DownstreamTlsContextSchema, context) },
        },
      },
    ],
  });
  const hidden = JSON.stringify(toYamlObject(listener));
  expect(hidden).not.toContain(Buffer.from('PRIVATE').toString('base64'));
  expect(hidden).toContain('/key.pem');
  expect(JSON.stringify(toYamlObject(listener, { showSecrets: true }))).toContain(
    Buffer.from('PRIVATE').toString('base64'),
  );
});
