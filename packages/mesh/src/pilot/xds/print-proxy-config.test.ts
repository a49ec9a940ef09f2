import { instanceKey } from '@lateen/api/workload-instance.ts';
import { expect, test } from 'vitest';
import type { Origin } from '#pilot/config/document-source.ts';
import { networkingText, pilotOf, serviceText, sidecarOf } from '#pilot/testing/pilot-of.ts';
import { printProxyConfig } from './print-proxy-config.ts';

const TYPE = 'type.googleapis.com/envoy.config';
const sidecar = sidecarOf('a-0', { workload: 'a' });
const pilot = pilotOf(
  serviceText('a', '[{port: 80, name: http, targetPort: web}]') +
    networkingText('VirtualService', 'a', '{hosts: [a], http: [{route: [{destination: {host: a}}]}]}'),
  sidecar,
);

test('each message says in which file and line it was asked for', async () => {
  const asked: string[] = [];
  const originOf = (key: string): Origin => ({
    file: `${key}.yaml`,
    line: 1,
    lineOf: (path) => {
      asked.push(path);
      return 7;
    },
  });
  const config = await printProxyConfig(instanceKey(sidecar), pilot, originOf);
  const find = (type: string, name: string) =>
    config?.[`${TYPE}.${type}`]?.find((each) => each.name === name || each.cluster_name === name);
  expect(find('cluster.v3.Cluster', 'outbound|80||a.default.svc.cluster.local')).toMatchObject({
    metadata: {
      filter_metadata: {
        lateen: {
          sources: [{ kind: 'Service', namespace: 'default', name: 'a', file: 'Service/default/a.yaml', line: 1 }],
        },
      },
    },
  });
  expect(JSON.stringify(find('route.v3.RouteConfiguration', 'http_proxy'))).toContain(
    '"name":"a","path":"spec.http[0]","file":"VirtualService/default/a.yaml","line":7',
  );
  expect(
    JSON.stringify(find('endpoint.v3.ClusterLoadAssignment', 'outbound|80||a.default.svc.cluster.local')),
  ).toContain(
    '"instance":"a-0.default","sources":[{"kind":"Deployment","namespace":"default","name":"a","file":"Deployment/default/a.yaml","line":1}]',
  );
  // To find a line means to read the text again.
  expect(asked.length).toBe(new Set(asked).size);
});

test('what nobody wrote in a file has no place, and a proxy that is not connected has no configuration', async () => {
  const config = await printProxyConfig(instanceKey(sidecar), pilot, () => undefined);
  expect(JSON.stringify(config)).toContain('{"kind":"Service","namespace":"default","name":"a"}');
  expect(await printProxyConfig('nobody.default', pilot, () => undefined)).toBe(undefined);
});
