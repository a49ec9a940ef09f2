import type { PeerAuthentication } from '@lateen/api/kinds.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import { hasLabels } from './service.ts';

/**
 * Whether connections must, may or may not be the mesh's mutual TLS. (PeerAuthentication's STRICT, PERMISSIVE and
 * DISABLE.)
 */
export type InboundTls = 'strict' | 'permissive' | 'none';

/** Which peers a workload lets in, as one PeerAuthentication says it. */
export interface PeerPolicy {
  readonly source: SourceRef;
  /** Only workloads with these labels; absent: the whole namespace, or the whole mesh from the root namespace. */
  readonly selector?: Readonly<Record<string, string>>;
  /** Absent: as the next wider policy says. */
  readonly mode?: InboundTls;
  readonly portModes: Readonly<Record<number, InboundTls>>;
}

const MODES: Readonly<Record<string, InboundTls | undefined>> = {
  STRICT: 'strict',
  PERMISSIVE: 'permissive',
  DISABLE: 'none',
};

export function buildPeerPolicy(object: PeerAuthentication): PeerPolicy {
  const { name, namespace } = object.metadata;
  const labels = object.spec.selector?.matchLabels ?? {};
  const mode = MODES[object.spec.mtls?.mode ?? 'UNSET'];
  const portModes: Record<number, InboundTls> = {};
  for (const [port, setting] of Object.entries(object.spec.portLevelMtls ?? {})) {
    const portMode = MODES[setting.mode ?? 'UNSET'];
    if (portMode !== undefined) portModes[Number(port)] = portMode;
  }
  return {
    source: { kind: 'PeerAuthentication', namespace, name },
    ...(Object.keys(labels).length === 0 ? {} : { selector: labels }),
    ...(mode === undefined ? {} : { mode }),
    portModes,
  };
}

export interface PeerPolicyDecision {
  readonly mode: InboundTls;
  readonly sources: readonly SourceRef[];
}

/**
 * The narrowest policy that says something decides: the workload's port, the workload, its namespace, the mesh; without
 * any, `permissive`. Where several policies of the same width apply, the first by name counts.
 *
 * @param containerPort absent: any port for which there is no mode of its own
 * @param own policies of the workload's namespace, in order of name
 * @param meshWide policies of the root namespace, in order of name
 */
export function decidePeerPolicy(
  labels: Readonly<Record<string, string>>,
  containerPort: number | undefined,
  own: readonly PeerPolicy[],
  meshWide: readonly PeerPolicy[],
): PeerPolicyDecision {
  const forWorkload = own.find(({ selector }) => selector !== undefined && hasLabels(labels, selector));
  const forPort = containerPort === undefined ? undefined : forWorkload?.portModes[containerPort];
  if (forWorkload !== undefined && forPort !== undefined) {
    return { mode: forPort, sources: [{ ...forWorkload.source, path: `spec.portLevelMtls[${containerPort}]` }] };
  }
  const widths = [
    forWorkload,
    own.find(({ selector }) => selector === undefined),
    meshWide.find(({ selector }) => selector === undefined),
  ];
  for (const policy of widths) {
    if (policy?.mode !== undefined) return { mode: policy.mode, sources: [policy.source] };
  }
  return { mode: 'permissive', sources: [] };
}
