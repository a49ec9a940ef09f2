import type * as z from 'zod/mini';
import {
  annotate,
  checked,
  clusterOnly,
  forEachRepeated,
  later,
  list,
  object,
  optional,
  required,
} from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { transportProtocol } from './port.ts';
import { probe } from './probe.ts';

const IMAGE = 'images are not pulled on one machine: command and args are run';
const HOST = 'processes on one machine share its resources and its user';

const LATER_FIELDS = { 'status.podIPs': 'lists of addresses', 'status.hostIPs': 'lists of addresses' };
const FIELDS = [
  ...['metadata.name', 'metadata.namespace', 'metadata.uid', 'spec.nodeName', 'spec.serviceAccountName'],
  ...['status.podIP', 'status.hostIP', 'status.podIPs', 'status.hostIPs'],
];

const fieldPath = annotate(
  checked(v.text(), (value) =>
    FIELDS.includes(value) || /^metadata\.(labels|annotations)\['[^']+'\]$/.test(value)
      ? undefined
      : `must be ${list(FIELDS, 'or')}, metadata.labels['KEY'] or metadata.annotations['KEY'], not ${v.quote(value)}`,
  ),
  { laterValues: { ...LATER_FIELDS, 'metadata.uid': 'unique IDs of pods' } },
);

const keySelector = {
  name: required(v.dnsSubdomain(), 'Name of the object.'),
  key: required(v.nonEmpty(), 'Key in it.'),
  optional: optional(v.bool(), 'Whether object or key may be missing; the variable is not set then.'),
};

const envVarSource = object(
  {
    configMapKeyRef: optional(object(keySelector), 'A key of a ConfigMap of the same namespace.'),
    fieldRef: optional(
      object({
        fieldPath: required(fieldPath, "Field of the pod, such as metadata.name or metadata.labels['app']."),
        apiVersion: optional(v.literal('v1'), 'v1, the default.'),
      }),
      'A field of the pod.',
    ),
    secretKeyRef: later(object(keySelector), 'Secrets'),
    resourceFieldRef: later(v.anyObject(), 'limits on resources'),
    fileKeyRef: later(v.anyObject(), 'variables from files'),
  },
  { exactlyOne: ['configMapKeyRef', 'fieldRef', 'secretKeyRef', 'resourceFieldRef', 'fileKeyRef'] },
);

/** Kubernetes allows every printable ASCII character but `=`. */
const envName = v.syntax((text) => /^[\x20-\x3c\x3e-\x7e]+$/.test(text), "a variable name without '='");

const envVar = object(
  {
    name: required(envName, 'Name of the variable.'),
    value: optional(v.text(), 'Its value; $(OTHER) is replaced by a variable defined before it. Empty by default.'),
    valueFrom: optional(envVarSource, 'Where the value comes from.'),
  },
  {
    rules({ value, valueFrom }, report) {
      if (value !== undefined && value !== '' && valueFrom !== undefined)
        report('must not be set together with value', ['valueFrom']);
    },
  },
);

const sourceRef = {
  name: required(v.dnsSubdomain(), 'Name of the object.'),
  optional: optional(v.bool(), 'Whether the object may be missing.'),
};

const envFromSource = object(
  {
    prefix: optional(v.text(), 'Put before each key.'),
    configMapRef: optional(object(sourceRef), 'A ConfigMap of the same namespace; each key becomes a variable.'),
    secretRef: later(object(sourceRef), 'Secrets'),
  },
  { exactlyOne: ['configMapRef', 'secretRef'] },
);

const containerPort = object({
  name: optional(v.portName(), 'Name of the port, by which Services and probes can refer to it.'),
  containerPort: required(v.port(), 'Port that the application listens on.'),
  protocol: optional(transportProtocol, 'TCP, the default, or UDP.'),
  hostPort: clusterOnly(v.int(0, 65_535), 'belongs to the network of a cluster'),
  hostIP: clusterOnly(v.text(), 'belongs to the network of a cluster'),
});

const singleSuccessProbe = checked(probe, ({ successThreshold = 1 }) =>
  successThreshold === 1 ? undefined : 'must have a successThreshold of 1, or none',
);

export const container = object(
  {
    name: required(v.dnsLabel(), 'Name of the container, unique in the pod.'),
    command: optional(
      v.array(v.text()),
      'Program and first arguments, without shell; $(NAME) is replaced by the variable.',
    ),
    args: optional(v.array(v.text()), 'More arguments.'),
    workingDir: optional(v.text(), 'Folder to run in; on one machine relative to the file of the Deployment.'),
    env: optional(v.array(envVar), 'Environment variables.'),
    envFrom: optional(v.array(envFromSource), 'Sources of which every key becomes an environment variable.'),
    ports: optional(v.array(containerPort), 'Ports that the application listens on.'),
    readinessProbe: optional(probe, 'While it fails, the replica gets no requests.'),
    livenessProbe: optional(singleSuccessProbe, 'When it fails, the process is started anew.'),
    startupProbe: later(singleSuccessProbe, 'start-up probes'),
    lifecycle: later(v.anyObject(), 'life-cycle hooks'),
    volumeMounts: later(v.array(v.anyObject()), 'volumes'),
    volumeDevices: later(v.array(v.anyObject()), 'volumes'),
    restartPolicy: later(v.text(), 'restart policies of single containers', ['Always']),
    restartPolicyRules: later(v.array(v.anyObject()), 'restart policies of single containers'),
    image: clusterOnly(v.text(), IMAGE),
    imagePullPolicy: clusterOnly(v.oneOf(['Always', 'IfNotPresent', 'Never']), IMAGE),
    resources: clusterOnly(v.anyObject(), HOST),
    resizePolicy: clusterOnly(v.array(v.anyObject()), HOST),
    securityContext: clusterOnly(v.anyObject(), HOST),
    stdin: clusterOnly(v.bool(), 'processes have no terminal'),
    stdinOnce: clusterOnly(v.bool(), 'processes have no terminal'),
    tty: clusterOnly(v.bool(), 'processes have no terminal'),
    terminationMessagePath: clusterOnly(v.text(), 'written by the kubelet'),
    terminationMessagePolicy: clusterOnly(v.text(), 'written by the kubelet'),
  },
  {
    rules({ ports = [] }, report) {
      forEachRepeated(
        ports,
        ({ name }) => name,
        ({ name }, index) => report(`the port name ${name} is used twice`, ['ports', index, 'name']),
      );
    },
  },
);

export type Container = z.infer<typeof container>;
