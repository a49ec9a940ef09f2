import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { create } from '@bufbuild/protobuf';
import { StringValueSchema } from '@bufbuild/protobuf/wkt';
import { packAny } from '@lateen/envoy-api/encode';
import { BootstrapSchema } from '@lateen/envoy-api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { RouterSchema } from '@lateen/envoy-api/envoy/extensions/filters/http/router/v3/router_pb.js';
import {
  HttpConnectionManager_CodecType,
  HttpConnectionManagerSchema,
} from '@lateen/envoy-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { toYamlObject } from '@lateen/envoy-api/registry';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findEnvoy } from './find.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lateen-printed-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function bootstrap(codecType: HttpConnectionManager_CodecType) {
  const hcm = create(HttpConnectionManagerSchema, {
    statPrefix: 'printed',
    codecType,
    maxRequestHeadersKb: 60,
    streamIdleTimeout: { seconds: 1n, nanos: 500_000_000 },
    routeSpecifier: {
      case: 'routeConfig',
      value: {
        virtualHosts: [
          {
            name: 'all',
            domains: ['*'],
            metadata: { filterMetadata: { lateen: { kind: 'VirtualService', list: [1, null, true] } } },
            routes: [
              {
                match: { pathSpecifier: { case: 'prefix', value: '/' } },
                action: {
                  case: 'directResponse',
                  value: { status: 200, body: { specifier: { case: 'inlineBytes', value: Buffer.from('ok') } } },
                },
              },
            ],
          },
        ],
      },
    },
    httpFilters: [
      {
        name: 'envoy.filters.http.router',
        configType: { case: 'typedConfig', value: packAny(RouterSchema, create(RouterSchema)) },
      },
    ],
  });
  const typedConfig = packAny(HttpConnectionManagerSchema, hcm);
  return create(BootstrapSchema, {
    node: { id: 'printed', cluster: 'printed' },
    staticResources: {
      listeners: [
        {
          name: 'one',
          address: {
            address: {
              case: 'socketAddress',
              value: { address: '127.0.0.1', portSpecifier: { case: 'portValue', value: 0 } },
            },
          },
          metadata: {
            typedFilterMetadata: { wrapped: packAny(StringValueSchema, create(StringValueSchema, { value: 'text' })) },
          },
          filterChains: [
            {
              filters: [
                {
                  name: 'envoy.filters.network.http_connection_manager',
                  configType: { case: 'typedConfig', value: typedConfig },
                },
              ],
            },
          ],
        },
      ],
    },
  });
}

async function validate(config: object): Promise<string> {
  const path = join(folder, 'envoy.json');
  await writeFile(path, JSON.stringify(config));
  const { path: envoy } = await findEnvoy();
  const run = promisify(execFile)(envoy, ['--mode', 'validate', '-c', path, '--log-level', 'error']);
  return run.then(
    ({ stdout }) => stdout,
    (error: { stderr: string }) => error.stderr,
  );
}

test('what toYamlObject prints is configuration that the real Envoy takes', async () => {
  const config = toYamlObject(bootstrap(HttpConnectionManager_CodecType.HTTP2));
  expect(await validate(config)).toContain('OK');
  const broken = JSON.parse(JSON.stringify(config).replace('"HTTP2"', '"HTTP9"'));
  expect(await validate(broken), 'and Envoy did read it').toContain('HTTP9');
});
