import { annotate, clusterOnly, forEachRepeated, later, object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { container } from './container.ts';

const SCHEDULING = 'there is nothing to schedule on one machine';
const HOST = 'processes on one machine share its network, its names and its user';
const IMAGE = 'images are not pulled on one machine';

/** Booleans whose default is true: only `false` asks for something. */
function trueUnlessLater(reason: string) {
  return annotate(v.bool(), { laterValues: { false: reason } });
}

export const podSpec = object(
  {
    serviceAccountName: optional(
      v.dnsSubdomain(),
      'ServiceAccount whose identity the pods have; `default` by default.',
    ),
    serviceAccount: optional(v.dnsSubdomain(), 'Old name of serviceAccountName.'),
    containers: required(v.nonEmptyArray(container), 'What runs in the pod: each container is one process.'),
    terminationGracePeriodSeconds: optional(v.int(0), 'Seconds from SIGTERM to SIGKILL; 30 by default.'),
    restartPolicy: optional(v.literal('Always'), 'Always; a Deployment allows nothing else.'),
    enableServiceLinks: optional(
      trueUnlessLater('pods without service variables'),
      'Whether variables such as REVIEWS_SERVICE_HOST are set for each Service. True by default.',
    ),
    initContainers: later(v.array(v.anyObject()), 'init containers'),
    ephemeralContainers: later(v.array(v.anyObject()), 'ephemeral containers'),
    volumes: later(v.array(v.anyObject()), 'volumes'),
    hostAliases: later(v.array(v.anyObject()), 'host aliases'),
    activeDeadlineSeconds: later(v.int(1), 'deadlines of pods'),
    readinessGates: later(v.array(v.anyObject()), 'readiness gates'),
    affinity: clusterOnly(v.anyObject(), SCHEDULING),
    nodeName: clusterOnly(v.text(), SCHEDULING),
    nodeSelector: clusterOnly(v.map(v.text()), SCHEDULING),
    overhead: clusterOnly(v.anyObject(), SCHEDULING),
    preemptionPolicy: clusterOnly(v.text(), SCHEDULING),
    priority: clusterOnly(v.int(-2_147_483_648), SCHEDULING),
    priorityClassName: clusterOnly(v.text(), SCHEDULING),
    resourceClaims: clusterOnly(v.array(v.anyObject()), SCHEDULING),
    resources: clusterOnly(v.anyObject(), SCHEDULING),
    schedulerName: clusterOnly(v.text(), SCHEDULING),
    schedulingGates: clusterOnly(v.array(v.anyObject()), SCHEDULING),
    tolerations: clusterOnly(v.array(v.anyObject()), SCHEDULING),
    topologySpreadConstraints: clusterOnly(v.array(v.anyObject()), SCHEDULING),
    workloadRef: clusterOnly(v.anyObject(), SCHEDULING),
    automountServiceAccountToken: clusterOnly(v.bool(), 'there is no API server on one machine'),
    dnsConfig: clusterOnly(v.anyObject(), HOST),
    dnsPolicy: clusterOnly(v.text(), HOST),
    hostIPC: clusterOnly(v.bool(), HOST),
    hostNetwork: clusterOnly(v.bool(), HOST),
    hostPID: clusterOnly(v.bool(), HOST),
    hostUsers: clusterOnly(v.bool(), HOST),
    hostname: clusterOnly(v.text(), HOST),
    hostnameOverride: clusterOnly(v.text(), HOST),
    os: clusterOnly(v.anyObject(), HOST),
    runtimeClassName: clusterOnly(v.text(), HOST),
    securityContext: clusterOnly(v.anyObject(), HOST),
    setHostnameAsFQDN: clusterOnly(v.bool(), HOST),
    shareProcessNamespace: clusterOnly(v.bool(), HOST),
    subdomain: clusterOnly(v.text(), HOST),
    imagePullSecrets: clusterOnly(v.array(v.anyObject()), IMAGE),
  },
  {
    rules({ containers, serviceAccount, serviceAccountName }, report) {
      forEachRepeated(
        containers,
        ({ name }) => name,
        ({ name }, index) => report(`the container name ${name} is used twice`, ['containers', index, 'name']),
      );
      if (serviceAccount !== undefined && serviceAccount !== (serviceAccountName ?? serviceAccount)) {
        report('must be the same as serviceAccountName, or left out', ['serviceAccount']);
      }
    },
  },
);
