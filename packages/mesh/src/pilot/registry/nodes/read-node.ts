import { pathText } from '@lateen/api/field-path.ts';
import { gatewayTopology } from '@lateen/api/istio/mesh-config-proxy.ts';
import { LateenError } from '@lateen/api/lateen-error.ts';
import { isDnsLabel, isDnsSubdomain, isIp } from '@lateen/api/names.ts';
import type { GatewayTopologySpec } from '@lateen/api/proxy-settings.ts';
import { validateAgainst } from '@lateen/api/validate.ts';
import type { Capture, InstancePort, WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { ProxyNode } from '../../xds/resource.ts';

/** More than any workload has; each is compared with selectors. */
const MAX_LABELS = 256;
const MAX_PORTS = 1024;

/**
 * The workload instance that a proxy with a bootstrap like Istio's stands beside, as its node ID and metadata tell: which
 * one it is, its labels and its account, and how its connections come to the proxy.
 *
 * @throws LateenError LAT0730 for a node ID, LAT0731 for metadata that cannot be understood
 */
export function readNode(node: ProxyNode): WorkloadInstance {
  const { type, address, name, namespace } = readNodeId(node.id);
  const { metadata } = node;
  const said = textIn(metadata, 'NAMESPACE', node);
  if (said !== undefined && said !== namespace) {
    throw badMetadata(node, 'NAMESPACE', `is ${quote(said)}, but the node ID says ${quote(namespace)}`);
  }
  const addresses = textIn(metadata, 'INSTANCE_IPS', node)?.split(',') ?? [];
  const wrong = addresses.find((each) => !isIp(each.trim()));
  if (wrong !== undefined) throw badMetadata(node, 'INSTANCE_IPS', `has ${quote(wrong)}, which is no IP address`);
  // Checked only: nothing depends on them yet.
  for (const key of ['CLUSTER_ID', 'NETWORK', 'APP_CONTAINERS'] as const) textIn(metadata, key, node);
  const topology = topologyIn(metadata.PROXY_CONFIG, node);
  return {
    name,
    namespace,
    role: type,
    workload: textIn(metadata, 'WORKLOAD_NAME', node) ?? name,
    labels: labelsIn(metadata.LABELS, node),
    serviceAccount: textIn(metadata, 'SERVICE_ACCOUNT', node) ?? 'default',
    address,
    ports: type === 'router' ? [] : portsIn(metadata.POD_PORTS, node),
    // Who asks for configuration is there; whether the application behind it answers is not known here.
    health: 'ready',
    capture: captureIn(node, type),
    ...(topology === undefined ? {} : { gatewayTopology: topology }),
  };
}

interface NodeId {
  readonly type: WorkloadInstance['role'];
  readonly address: string;
  readonly name: string;
  readonly namespace: string;
}

function readNodeId(id: string): NodeId {
  const parts = id.split('~');
  const [type = '', address = '', instance = '', domain = ''] = parts;
  const dot = instance.lastIndexOf('.');
  const name = instance.slice(0, Math.max(dot, 0));
  const namespace = instance.slice(dot + 1);
  const problem =
    parts.length !== 4 || domain === ''
      ? 'it does not have four parts with ~ between them'
      : type !== 'sidecar' && type !== 'router'
        ? `its type ${quote(type)} is neither sidecar nor router`
        : !isIp(address)
          ? `${quote(address)} is no IP address`
          : !isDnsSubdomain(name) || !isDnsLabel(namespace)
            ? `${quote(instance)} is not NAME.NAMESPACE`
            : undefined;
  if (problem === undefined) return { type: type as NodeId['type'], address, name, namespace };
  throw new LateenError(
    'LAT0730',
    `The node ID ${quote(id)} cannot be understood: ${problem}.`,
    'Node IDs have the form sidecar~IP~NAME.NAMESPACE~NAMESPACE.svc.cluster.local, or router~... for a gateway.',
  );
}

type Metadata = ProxyNode['metadata'];

function textIn(metadata: Metadata, key: string, node: ProxyNode): string | undefined {
  const value = metadata[key];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw badMetadata(node, key, 'must be a text');
  return value;
}

function labelsIn(value: unknown, node: ProxyNode): Readonly<Record<string, string>> {
  if (value === undefined || value === null) return {};
  if (!isRecord(value)) throw badMetadata(node, 'LABELS', 'must be a mapping of texts');
  const entries = Object.entries(value);
  if (entries.length > MAX_LABELS) {
    throw badMetadata(node, 'LABELS', `has ${entries.length} labels; at most ${MAX_LABELS} are read`);
  }
  const labels: [string, string][] = entries.map(([key, label]) => {
    if (typeof label !== 'string') throw badMetadata(node, `LABELS.${key}`, 'must be a text');
    return [key, label];
  });
  return Object.fromEntries(labels);
}

/** Istio's injector writes the container ports of a pod as JSON in a text. */
function portsIn(value: unknown, node: ProxyNode): readonly InstancePort[] {
  const list = typeof value === 'string' && value !== '' ? parsed(value, node) : value;
  if (list === undefined || list === null || list === '') return [];
  if (!Array.isArray(list)) throw badMetadata(node, 'POD_PORTS', 'must be a list');
  if (list.length > MAX_PORTS) {
    throw badMetadata(node, 'POD_PORTS', `has ${list.length} ports; at most ${MAX_PORTS} are read`);
  }
  return list.flatMap((each: unknown, index): InstancePort[] => {
    const { name, containerPort, protocol = 'TCP' } = isRecord(each) ? each : {};
    const isNamed = name === undefined || typeof name === 'string';
    if (!Number.isInteger(containerPort) || Number(containerPort) < 1 || Number(containerPort) > 65_535 || !isNamed) {
      throw badMetadata(node, `POD_PORTS[${index}]`, 'must have a containerPort from 1 to 65535, and may have a name');
    }
    const port = Number(containerPort);
    if (protocol !== 'TCP') return [];
    return [{ containerPort: port, ...(name === undefined ? {} : { name }), inboundPort: port, appPort: port }];
  });
}

function parsed(text: string, node: ProxyNode): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw badMetadata(node, 'POD_PORTS', 'is not JSON');
  }
}

const INTERCEPTIONS = { REDIRECT: 'redirect', TPROXY: 'tproxy', NONE: 'none' } as const;

function captureIn(node: ProxyNode, type: NodeId['type']): Capture {
  const mode = textIn(node.metadata, 'INTERCEPTION_MODE', node) ?? 'REDIRECT';
  if (type === 'router') return { mode: 'gateway', hostPorts: {}, opensAll: true };
  if (!Object.hasOwn(INTERCEPTIONS, mode)) {
    throw badMetadata(
      node,
      'INTERCEPTION_MODE',
      `is ${quote(mode)}, not one of ${Object.keys(INTERCEPTIONS).join(', ')}`,
    );
  }
  return { mode: 'redirect', interception: INTERCEPTIONS[mode as keyof typeof INTERCEPTIONS] };
}

/** Of the settings of the proxy that Istio's agent tells, the one that Pilot has to obey. */
function topologyIn(value: unknown, node: ProxyNode): GatewayTopologySpec | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isRecord(value)) throw badMetadata(node, 'PROXY_CONFIG', 'must be a mapping');
  if (value.gatewayTopology === undefined || value.gatewayTopology === null) return undefined;
  const { object, errors } = validateAgainst(gatewayTopology, value.gatewayTopology);
  if (object !== undefined) return object;
  const [{ path, message } = { path: [], message: 'cannot be used' }] = errors;
  throw badMetadata(node, pathText(['PROXY_CONFIG', 'gatewayTopology', ...path]), message);
}

function badMetadata(node: ProxyNode, key: string, problem: string): LateenError {
  return new LateenError(
    'LAT0731',
    `The metadata of the node ${quote(node.id)} cannot be used: ${key} ${problem}.`,
    'Correct node.metadata in the bootstrap of that Envoy.',
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 197)}...` : text);
}
