import { expect, test } from 'vitest';
import {
  expandReferences,
  inheritedVariables,
  portVariables,
  proxyVariables,
  serviceVariables,
} from './environment.ts';

test.each([
  ['$(A)', 'one'],
  ['x$(A)y$(B)z', 'xoneytwoz'],
  ['$(MISSING)', '$(MISSING)'],
  ['$$(A)', '$(A)'],
  ['$$$(A)', '$one'],
  ['$A {$A} $', '$A {$A} $'],
  ['$(A', '$(A'],
  ['$()', '$()'],
  ['$(EMPTY)', ''],
  ['$(toString)', '$(toString)'],
])('expands %s to %s', (text, expected) => {
  expect(expandReferences(text, { A: 'one', B: 'two', EMPTY: '' })).toBe(expected);
});

const services = [
  {
    name: 'my-reviews',
    namespace: 'default',
    hostname: 'my-reviews.default.svc.cluster.local',
    port: 9080,
    portName: 'http',
  },
  {
    name: 'my-reviews',
    namespace: 'default',
    hostname: 'my-reviews.default.svc.cluster.local',
    port: 9090,
    portName: 'metrics',
  },
  { name: 'db', namespace: 'data', hostname: 'db.data.svc.cluster.local', port: 5432, portName: 'tcp-sql' },
  { name: 'late', namespace: 'default', hostname: 'late.default.svc.cluster.local', port: 80 },
];
const servicePorts = {
  'my-reviews.default.svc.cluster.local:9080': 21_000,
  'my-reviews.default.svc.cluster.local:9090': 21_001,
  'db.data.svc.cluster.local:5432': 21_002,
};

test('service variables point at the listeners of the sidecar', () => {
  expect(serviceVariables(services, servicePorts, 'default')).toEqual({
    MY_REVIEWS_SERVICE_HOST: '127.0.0.1',
    MY_REVIEWS_SERVICE_PORT: '21000',
    MY_REVIEWS_SERVICE_PORT_HTTP: '21000',
    MY_REVIEWS_SERVICE_PORT_METRICS: '21001',
    MY_REVIEWS_PORT: 'tcp://127.0.0.1:21000',
    MY_REVIEWS_PORT_9080_TCP: 'tcp://127.0.0.1:21000',
    MY_REVIEWS_PORT_9080_TCP_PROTO: 'tcp',
    MY_REVIEWS_PORT_9080_TCP_PORT: '21000',
    MY_REVIEWS_PORT_9080_TCP_ADDR: '127.0.0.1',
    MY_REVIEWS_PORT_9090_TCP: 'tcp://127.0.0.1:21001',
    MY_REVIEWS_PORT_9090_TCP_PROTO: 'tcp',
    MY_REVIEWS_PORT_9090_TCP_PORT: '21001',
    MY_REVIEWS_PORT_9090_TCP_ADDR: '127.0.0.1',
    DB_DATA_SERVICE_HOST: '127.0.0.1',
    DB_DATA_SERVICE_PORT: '21002',
    DB_DATA_SERVICE_PORT_TCP_SQL: '21002',
  });
});

test('services of the own namespace have the short names', () => {
  const variables = serviceVariables(services, servicePorts, 'data');
  expect(variables.DB_SERVICE_PORT).toBe('21002');
  expect(variables.MY_REVIEWS_SERVICE_HOST).toBeUndefined();
  expect(variables.MY_REVIEWS_DEFAULT_SERVICE_PORT).toBe('21000');
});

test('hosts of ServiceEntries have one name for all namespaces', () => {
  const hosts = [
    { name: 'api.example.com', hostname: 'api.example.com', port: 443, portName: 'https' },
    { name: '*.example.com', hostname: '*.example.com', port: 443 },
    { name: 'db', hostname: 'db', port: 5432 },
  ];
  const ports = { ...servicePorts, 'api.example.com:443': 21_003, '*.example.com:443': 21_004, 'db:5432': 21_005 };
  const variables = serviceVariables([...hosts, ...services], ports, 'data');
  expect(variables).toMatchObject({
    API_EXAMPLE_COM_SERVICE_HOST: '127.0.0.1',
    API_EXAMPLE_COM_SERVICE_PORT: '21003',
    API_EXAMPLE_COM_SERVICE_PORT_HTTPS: '21003',
    // The Service's, and not that of the host which is spelt like it.
    DB_SERVICE_PORT: '21002',
    DB_PORT_5432_TCP_PORT: '21002',
  });
  expect(Object.values(variables)).not.toContain('21004');
});

test('proxy and port variables', () => {
  expect(proxyVariables(20_100)).toEqual({
    HTTP_PROXY: 'http://127.0.0.1:20100',
    http_proxy: 'http://127.0.0.1:20100',
    NO_PROXY: 'localhost,127.0.0.1,::1',
    no_proxy: 'localhost,127.0.0.1,::1',
    NODE_USE_ENV_PROXY: '1',
  });
  const ports = [
    { containerPort: 9080, appPort: 20_001 },
    { containerPort: 9090, appPort: 20_002 },
  ];
  expect(portVariables(ports)).toEqual({ PORT: '20001', PORT_9080: '20001', PORT_9090: '20002' });
  expect(portVariables([])).toEqual({});
});

test('what belongs to this process alone is not inherited', () => {
  const env = { HOME: '/home/me', NODE_CHANNEL_FD: '3', NODE_CHANNEL_SERIALIZATION_MODE: 'json', ALL_PROXY: 'x' };
  expect(inheritedVariables(env)).toEqual({ HOME: '/home/me' });
});
