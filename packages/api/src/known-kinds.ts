import { type Kind, kindNames, kinds } from './kinds.ts';
import { didYouMean } from './suggest.ts';
import { writtenKind } from './written-kind.ts';

/** Kinds that exist elsewhere and that Lateen does not act on yet, by API group. The core group is the empty string. */
const unsupportedKinds: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    'networking.istio.io': ['WorkloadGroup'],
    'security.istio.io': ['AuthorizationPolicy', 'RequestAuthentication'],
    'telemetry.istio.io': ['Telemetry'],
    'extensions.istio.io': ['TrafficExtension', 'WasmPlugin'],
    '': [
      ...[
        'Endpoints',
        'Event',
        'LimitRange',
        'Node',
        'PersistentVolume',
        'PersistentVolumeClaim',
        'Pod',
        'PodTemplate',
      ],
      ...['ReplicationController', 'ResourceQuota'],
    ],
    apps: ['ControllerRevision', 'DaemonSet', 'ReplicaSet', 'StatefulSet'],
    batch: ['CronJob', 'Job'],
    autoscaling: ['HorizontalPodAutoscaler'],
    policy: ['PodDisruptionBudget'],
    'networking.k8s.io': ['IPAddress', 'NetworkPolicy', 'ServiceCIDR'],
    'rbac.authorization.k8s.io': ['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'],
    'storage.k8s.io': ['CSIDriver', 'CSINode', 'CSIStorageCapacity', 'StorageClass', 'VolumeAttachment'],
    'scheduling.k8s.io': ['PriorityClass'],
    'node.k8s.io': ['RuntimeClass'],
    'coordination.k8s.io': ['Lease'],
    'apiextensions.k8s.io': ['CustomResourceDefinition'],
    'apiregistration.k8s.io': ['APIService'],
    'certificates.k8s.io': ['CertificateSigningRequest', 'ClusterTrustBundle'],
    'admissionregistration.k8s.io': [
      ...['MutatingAdmissionPolicy', 'MutatingAdmissionPolicyBinding', 'MutatingWebhookConfiguration'],
      ...['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding', 'ValidatingWebhookConfiguration'],
    ],
    'resource.k8s.io': ['DeviceClass', 'ResourceClaim', 'ResourceClaimTemplate', 'ResourceSlice'],
  }),
);

const kindsByWrittenName: ReadonlyMap<string, readonly Kind[]> = Map.groupBy(
  kindNames.map((name): Kind => kinds[name]),
  ({ kind }) => writtenKind(kind),
);

export type KindProblem = { readonly code: 'LAT0105' | 'LAT0106' | 'LAT0107'; readonly message: string };

/** Without problem all is well; without kind there is always a problem. */
export type KindLookup =
  | { readonly kind: Kind; readonly problem?: KindProblem }
  | { readonly kind?: never; readonly problem: KindProblem };

/** The kind that an object's apiVersion and kind stand for, or why there is none. */
export function lookUpKind(apiVersion: string, name: string): KindLookup {
  const slash = apiVersion.indexOf('/');
  const group = apiVersion.slice(0, Math.max(slash, 0));
  const version = apiVersion.slice(slash + 1);
  const named = kindsByWrittenName.get(name) ?? [];
  const kind = named.find((each) => each.group === group) ?? named[0];
  if (kind !== undefined && kind.group === group && kind.versions.includes(version)) return { kind };
  if (unsupportedKinds.get(group)?.includes(name)) {
    return { problem: { code: 'LAT0106', message: `the kind ${name} (${apiVersion}) is not supported yet` } };
  }
  if (kind !== undefined) {
    const accepted = named.flatMap(acceptedVersions).join(', ');
    const message = `the kind ${name} has the apiVersion ${accepted}, not '${apiVersion}'`;
    return { kind, problem: { code: 'LAT0107', message } };
  }
  if (allUnsupported().includes(name)) {
    const message = `the kind ${name} is not supported yet, nor does it belong to ${apiVersion}`;
    return { problem: { code: 'LAT0106', message } };
  }
  const known = [...kindsByWrittenName.keys(), ...allUnsupported()];
  return { problem: { code: 'LAT0105', message: `unknown kind '${name}' (${apiVersion})${didYouMean(name, known)}` } };
}

function acceptedVersions({ group, versions }: Kind): string[] {
  return versions.map((each) => (group === '' ? each : `${group}/${each}`));
}

function allUnsupported(): string[] {
  return [...unsupportedKinds.values()].flat();
}
