import type { EndpointAddress } from '@lateen/api/verdict.ts';
import { instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { Certificate } from '../call.ts';
import { PreparedProxy, type ProxyConfiguration } from '../proxy.ts';
import type { MeshProxy, MeshView, Place } from './journey.ts';

export interface MeshViewOptions {
  readonly instances: Iterable<WorkloadInstance>;
  /** Of the proxy beside an instance; undefined: it has none yet. Asked for when a call gets there. */
  readonly configurationOf: (instance: WorkloadInstance) => ProxyConfiguration | undefined;
  readonly certificateOf: (instance: WorkloadInstance) => Certificate | undefined;
  /** Where the kernel hands connections to the proxies of redirected instances. */
  readonly inboundPort?: number;
  /** What is at an address that is none of the mesh's. By default it is outside. */
  readonly elsewhere?: (address: SocketEndpoint) => Place;
}

type SocketEndpoint = Extract<EndpointAddress, { type: 'socket' }>;

/** A mesh whose instances tell the address and port of each of their sockets. */
export interface InstanceMesh extends MeshView {
  /** By `NAME.NAMESPACE` of the instance; undefined if there is none, or its proxy has no configuration. */
  readonly proxy: (key: string) => MeshProxy | undefined;
}

/** Istio's. */
const INBOUND_PORT = 15_006;

export function instanceMesh({
  instances,
  inboundPort = INBOUND_PORT,
  configurationOf,
  certificateOf,
  elsewhere,
}: MeshViewOptions): InstanceMesh {
  const proxies = new Map<string, MeshProxy | undefined>();
  const redirected = new Map<string, WorkloadInstance>();
  const byKey = new Map<string, WorkloadInstance>();
  const sockets = new Map<string, Socket>();
  for (const instance of instances) {
    byKey.set(instanceKey(instance), instance);
    if (isRedirected(instance)) redirected.set(instance.address, instance);
    else for (const socket of socketsOf(instance)) sockets.set(`${instance.address}:${socket.port}`, socket);
  }
  const proxy = (key: string): MeshProxy | undefined => {
    const instance = byKey.get(key);
    if (instance === undefined) return undefined;
    if (!proxies.has(key)) proxies.set(key, meshProxy(instance, configurationOf(instance), certificateOf(instance)));
    return proxies.get(key);
  };
  return {
    proxy,
    lookUp(from, address) {
      const { host, port } = address;
      const caller = byKey.get(from.name);
      const own = caller !== undefined && isRedirected(caller) && (host === caller.address || isLoopback(host));
      if (own) return { type: 'application', instance: from.name, workload: caller.workload };
      const called = redirected.get(host);
      if (called !== undefined) {
        const found = proxy(instanceKey(called));
        const reason = `the proxy of ${instanceKey(called)} has no configuration`;
        if (found === undefined) return { type: 'nobody', reason };
        return { type: 'proxy', proxy: found, at: { host, port: inboundPort }, originalDestination: { host, port } };
      }
      const socket = sockets.get(`${host}:${port}`);
      if (socket === undefined) return elsewhere?.(address) ?? { type: 'outside' };
      const { instance, owner } = socket;
      const key = instanceKey(instance);
      if (owner === 'application') return { type: 'application', instance: key, workload: instance.workload };
      const found = proxy(key);
      if (found === undefined) return { type: 'nobody', reason: `the proxy of ${key} has no configuration` };
      return { type: 'proxy', proxy: found, at: { host, port } };
    },
  };
}

/** The kernel hands every connection from outside to the proxy, and those of the proxy to the application. */
function isRedirected({ capture }: WorkloadInstance): boolean {
  return capture.mode === 'redirect' && capture.interception !== 'none';
}

function isLoopback(host: string): boolean {
  return host.startsWith('127.') || host === '::1';
}

interface Socket {
  readonly instance: WorkloadInstance;
  readonly port: number;
  readonly owner: 'proxy' | 'application';
}

function socketsOf(instance: WorkloadInstance): Socket[] {
  return [
    ...proxyPorts(instance.capture).map((port): Socket => ({ instance, port, owner: 'proxy' })),
    ...instance.ports.flatMap(({ inboundPort, appPort }): Socket[] => [
      { instance, port: inboundPort, owner: 'proxy' },
      { instance, port: appPort, owner: 'application' },
    ]),
    ...(instance.datagramPorts ?? []).map(({ appPort }): Socket => ({ instance, port: appPort, owner: 'application' })),
  ];
}

/** Where clients connect to the proxy itself. One that the kernel hands connections to is met on its inbound ports only. */
function proxyPorts(capture: WorkloadInstance['capture']): readonly number[] {
  switch (capture.mode) {
    case 'gateway':
      return Object.values(capture.hostPorts);
    case 'explicit':
      return [capture.httpProxyPort, ...Object.values(capture.servicePorts)];
    case 'redirect':
      return [];
  }
}

function meshProxy(
  instance: WorkloadInstance,
  configuration: ProxyConfiguration | undefined,
  certificate: Certificate | undefined,
): MeshProxy | undefined {
  if (configuration === undefined) return undefined;
  return {
    name: instanceKey(instance),
    address: instance.address,
    prepared: new PreparedProxy(configuration),
    ...(certificate === undefined ? {} : { certificate }),
  };
}
