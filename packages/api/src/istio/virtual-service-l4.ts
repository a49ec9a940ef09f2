import type * as z from 'zod/mini';
import { isDnsLabel, isIpOrCidr } from '../names.ts';
import { object, optional, type Report, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { destination, gatewayName } from './common.ts';

const subnet = v.syntax(isIpOrCidr, 'an IP address, or a subnet such as 10.1.0.0/16');

const routes = v.nonEmptyArray(
  object({
    destination: required(destination, 'Where the connections go.'),
    weight: optional(
      v.int(0),
      'Share of the connections, in relation to the sum of all weights. A single destination needs none; beside others, no weight means 0.',
    ),
  }),
);

const l4Match = {
  destinationSubnets: optional(
    v.array(subnet),
    'Addresses or subnets of which one must be the address that the connection was meant for.',
  ),
  port: optional(v.uint32(), 'Port that the connection was meant for: of the service, or of the gateway.'),
  sourceLabels: optional(v.labels(), 'Labels of the workload that calls, or of the gateway.'),
  gateways: optional(
    v.array(gatewayName()),
    'Gateways for which the match holds, of those of the VirtualService; mesh stands for all sidecars.',
  ),
  sourceNamespace: optional(
    v.syntax((text) => text === '' || isDnsLabel(text), 'the name of a namespace'),
    'Namespace of the workload that calls, or of the gateway.',
  ),
};

const tlsMatch = object({
  ...l4Match,
  sniHosts: required(
    v.nonEmptyArray(v.wildcardHost()),
    'Server names of the TLS handshake; each must be covered by a host of the VirtualService.',
  ),
});

export const tlsRoute = object(
  {
    match: required(v.nonEmptyArray(tlsMatch), 'One of these must match; inside one, all conditions must hold.'),
    route: required(routes, 'Where the connections go, still in TLS: one destination, or several with weights.'),
  },
  { rules: checkWeights },
);

export const tcpRoute = object(
  {
    match: optional(
      v.array(
        object({ ...l4Match, sourceSubnet: optional(subnet, 'Address or subnet that the connection comes from.') }),
      ),
      'One of these must match; inside one, all conditions must hold. Without it, the rule is for all connections.',
    ),
    route: required(routes, 'Where the connections go: one destination, or several with weights.'),
  },
  { rules: checkWeights },
);

function checkWeights({ route }: { readonly route: readonly { readonly weight?: number }[] }, report: Report): void {
  if (route.length > 1 && route.every(({ weight = 0 }) => weight === 0)) {
    report('the weights of several destinations must not all be 0: give each its share in weight', ['route']);
  }
}

export type TlsRoute = z.infer<typeof tlsRoute>;
export type TcpRoute = z.infer<typeof tcpRoute>;

/** Istio's rule: a connection that these hosts do not name is not for these rules to route. */
export function checkSniHosts(hosts: readonly string[], tls: readonly TlsRoute[], report: Report): void {
  tls.forEach(({ match }, at) => {
    match.forEach(({ sniHosts }, index) => {
      sniHosts.forEach((sni, position) => {
        if (hosts.some((host) => covers(host, sni))) return;
        const path = ['tls', at, 'match', index, 'sniHosts', position];
        report(`the server name ${sni} is not covered by the hosts of the VirtualService: ${hosts.join(', ')}`, path);
      });
    });
  });
}

function covers(host: string, name: string): boolean {
  return host === '*' || host === name || (host.startsWith('*.') && name.endsWith(host.slice(1)));
}
