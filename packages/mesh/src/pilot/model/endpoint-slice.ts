import type { EndpointSlice as EndpointSliceObject } from '@lateen/api/kinds.ts';

/** Addresses behind a Service that somebody, or something, wrote down. */
export interface EndpointSlice {
  /** `NAMESPACE/NAME` of the Service. */
  readonly service: string;
  /** Port by name of the service port; the port without a name is named ''. */
  readonly ports: Readonly<Record<string, number>>;
  /** The same of UDP. */
  readonly datagramPorts: Readonly<Record<string, number>>;
  readonly endpoints: readonly { readonly address: string; readonly ready: boolean; readonly zone?: string }[];
}

/** Kubernetes' label for which Service a slice belongs to. */
const SERVICE_NAME = 'kubernetes.io/service-name';

export function buildEndpointSlice(object: EndpointSliceObject): EndpointSlice | undefined {
  const { namespace, labels = {} } = object.metadata;
  const name = labels[SERVICE_NAME];
  if (name === undefined) return undefined;
  return {
    service: `${namespace}/${name}`,
    ports: portsOf(object, 'TCP'),
    datagramPorts: portsOf(object, 'UDP'),
    endpoints: (object.endpoints ?? []).flatMap(({ addresses, conditions = {}, zone }) => {
      const [address] = addresses;
      if (address === undefined) return [];
      return [{ address, ready: conditions.ready ?? true, ...(zone === undefined ? {} : { zone }) }];
    }),
  };
}

function portsOf({ ports = [] }: EndpointSliceObject, wanted: 'TCP' | 'UDP'): Record<string, number> {
  return Object.fromEntries(
    ports.flatMap(({ name = '', port, protocol = 'TCP' }) =>
      port === undefined || protocol !== wanted ? [] : [[name, port]],
    ),
  );
}
