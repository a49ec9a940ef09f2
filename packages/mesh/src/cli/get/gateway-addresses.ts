import type { GatewayStatus, MeshStatus } from '@lateen/api/admin.ts';
import { gatewayUrls } from '@lateen/api/gateway-urls.ts';

/** What is asked of a Gateway of the Gateway API. */
export interface AddressedGateway {
  readonly name: string;
  readonly namespace?: string | undefined;
  /** Values of its addresses, which may name the Services of gateways that are there already. */
  readonly addresses: readonly string[];
  readonly ports: readonly number[];
}

const GATEWAY_NAME_LABEL = 'gateway.networking.k8s.io/gateway-name';

/** Where its listeners are found on this machine; nothing while no gateway serves it. */
export function gatewayAddresses(gateway: AddressedGateway, { gateways }: Pick<MeshStatus, 'gateways'>): string[] {
  const { name, namespace = 'default', addresses, ports } = gateway;
  const own = gateways.filter((each) => each.namespace === namespace && each.labels[GATEWAY_NAME_LABEL] === name);
  if (own.length > 0) return own.flatMap(gatewayUrls);
  const isNamed = (each: GatewayStatus) =>
    addresses.some(
      (address) =>
        address.startsWith(`${each.name}.${each.namespace}.`) ||
        (address === each.name && each.namespace === namespace),
    );
  return gateways
    .filter(isNamed)
    .flatMap((each) => gatewayUrls({ url: '', ports: each.ports.filter(({ port }) => ports.includes(port)) }));
}
