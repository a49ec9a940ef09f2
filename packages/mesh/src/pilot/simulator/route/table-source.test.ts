import { toBinary } from '@bufbuild/protobuf';
import { RouteConfigurationSchema } from '@lateen/envoy-api/envoy/config/route/v3/route_pb.js';
import { expect, test } from 'vitest';
import { messageOf } from '../testing/envoy-yaml.ts';
import { tableOf, tableOfBytes } from './table-source.ts';

test('what is read of bytes is what stands in the message', () => {
  const message = messageOf(
    RouteConfigurationSchema,
    `
name: t
virtual_hosts:
  - {name: one, domains: [a, 'b:80'], routes: [{match: {prefix: /}, route: {cluster: c}}]}
  - {name: two, domains: ['*']}
ignore_port_in_host_matching: true
request_headers_to_remove: [x]
`,
  );
  const { table, hosts } = tableOfBytes(toBinary(RouteConfigurationSchema, message));
  expect(table).toEqual({ ...message, virtualHosts: [] });
  expect(hosts.map(({ domains }) => domains)).toEqual(tableOf(message).hosts.map(({ domains }) => domains));
  expect(hosts.map(({ read }) => read())).toEqual(message.virtualHosts);
});
