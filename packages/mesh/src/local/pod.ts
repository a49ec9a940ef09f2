import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { delimiter, dirname, resolve } from 'node:path';
import type { ConfigMap, Deployment } from '@lateen/api/kinds.ts';
import type { ProxySettings } from '@lateen/api/proxy-settings.ts';
import { stableJson } from '@lateen/api/stable-json.ts';
import type { ExplicitCapture, InstancePort, WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { ServicePortRef } from '#pilot/registry/processes/link.ts';
import type { ContainerPlan, ContainerProblem } from './container.ts';
import {
  type Environment,
  expandReferences,
  inheritedVariables,
  portVariables,
  proxyVariables,
  serviceVariables,
} from './environment.ts';
import { directoryProblem, findExecutable } from './executable.ts';
import type { ProbeAction } from './probe-action.ts';
import type { Probe } from './probe-loop.ts';

export type PodTemplate = Deployment['spec']['template'];
export type ContainerSpec = PodTemplate['spec']['containers'][number];
type ProbeSpec = NonNullable<ContainerSpec['readinessProbe']>;

/** On a laptop the folder that containers run in, relative to the manifest; wins over `workingDir`. */
const WORKING_DIR_ANNOTATION = 'lateen.dev/working-dir';

const LOOPBACK = '127.0.0.1';

/** What a container's process is told about its place in the mesh. */
export interface PodContext {
  readonly replica: string;
  readonly namespace: string;
  readonly template: PodTemplate;
  /** Folder of the manifest, absolute. */
  readonly baseDir: string;
  readonly ports: readonly InstancePort[];
  readonly datagramPorts?: WorkloadInstance['datagramPorts'];
  readonly capture: ExplicitCapture;
  readonly services: readonly ServicePortRef[];
  readonly configMaps: readonly ConfigMap[];
  /** The environment of `lateen up`. */
  readonly inherited: NodeJS.ProcessEnv;
}

export function serviceAccountOf(template: PodTemplate): string {
  return template.spec.serviceAccountName ?? template.spec.serviceAccount ?? 'default';
}

/** Milliseconds from SIGTERM to SIGKILL (core/v1 PodSpec.terminationGracePeriodSeconds). */
export function gracePeriodMs(template: PodTemplate): number {
  return (template.spec.terminationGracePeriodSeconds ?? 30) * 1000;
}

/** The container ports of all containers for TCP, or for UDP, each once, in order. */
export function containerPortsOf(
  template: PodTemplate,
  wanted: 'TCP' | 'UDP' = 'TCP',
): { containerPort: number; name?: string }[] {
  const ports = new Map<number, { containerPort: number; name?: string }>();
  for (const container of template.spec.containers) {
    for (const { containerPort, name, protocol = 'TCP' } of container.ports ?? []) {
      if (protocol === wanted && !ports.has(containerPort)) {
        ports.set(containerPort, name === undefined ? { containerPort } : { containerPort, name });
      }
    }
  }
  return [...ports.values()];
}

/**
 * Of the template, the settings of its proxy, and the values that its environment takes from ConfigMaps. Replicas of
 * another hash are replaced. Kubernetes would not restart pods when a ConfigMap or a ProxyConfig changes; on a laptop an
 * edited file is expected to take effect.
 */
export function podHash(
  template: PodTemplate,
  namespace: string,
  { baseDir, proxy }: { readonly baseDir: string; readonly proxy: ProxySettings },
  configMaps: readonly ConfigMap[],
): string {
  const used = template.spec.containers.map((container) => [
    (container.envFrom ?? []).map(({ configMapRef }) => findData(configMaps, namespace, configMapRef?.name)),
    (container.env ?? []).map(({ valueFrom }) => {
      const ref = valueFrom?.configMapKeyRef;
      return ref === undefined ? null : (findData(configMaps, namespace, ref.name)?.[ref.key] ?? null);
    }),
  ]);
  return createHash('sha256')
    .update(stableJson([template, baseDir, proxy, used]))
    .digest('hex')
    .slice(0, 16);
}

/** Everything that is needed to start one container, or why it cannot be started. */
export function planContainer(spec: ContainerSpec, index: number, pod: PodContext): ContainerPlan | ContainerProblem {
  const at = `spec.template.spec.containers[${index}]`;
  const title = `${pod.replica}: container ${spec.name}`;
  const environment = containerEnvironment(spec, at, pod);
  if ('code' in environment) return environment;
  const { env, variables } = environment;

  const override = pod.template.metadata?.annotations?.[WORKING_DIR_ANNOTATION];
  const cwd = resolve(pod.baseDir, override ?? spec.workingDir ?? '.');
  const cwdProblem = directoryProblem(cwd);
  if (cwdProblem !== undefined) {
    const what = override === undefined ? 'working directory' : `folder of the annotation ${WORKING_DIR_ANNOTATION}`;
    const remedy =
      override === undefined && spec.workingDir?.startsWith('/') === true
        ? ` For another folder on this machine, set the annotation ${WORKING_DIR_ANNOTATION} on the pod template.`
        : '';
    return {
      code: 'LAT0313',
      message: `${title}: the ${what} cannot be used: ${cwdProblem}.${remedy}`,
      path: override === undefined ? `${at}.workingDir` : 'spec.template.metadata.annotations',
    };
  }

  const command = [...(spec.command ?? [])].map((part) => expandReferences(part, variables));
  const args = (spec.args ?? []).map((part) => expandReferences(part, variables));
  const [program, ...rest] = command;
  if (program === undefined || program === '') {
    return {
      code: 'LAT0310',
      message: `${title} has no command. Set command: images are not pulled on a laptop, so what they would run is not known.`,
      path: `${at}.command`,
    };
  }
  const executable = locate(program, cwd, env, title, `${at}.command[0]`);
  if ('code' in executable) return executable;

  const readiness =
    spec.readinessProbe === undefined
      ? portProbe(spec, pod)
      : planProbe(spec.readinessProbe, spec, pod, cwd, env, variables, title, `${at}.readinessProbe`);
  if (readiness !== undefined && 'code' in readiness) return readiness;
  const liveness =
    spec.livenessProbe === undefined
      ? undefined
      : planProbe(spec.livenessProbe, spec, pod, cwd, env, variables, title, `${at}.livenessProbe`);
  if (liveness !== undefined && 'code' in liveness) return liveness;

  return {
    file: executable.path,
    args: [...rest, ...args],
    cwd,
    env,
    ...(readiness === undefined ? {} : { readiness }),
    ...(liveness === undefined ? {} : { liveness }),
  };
}

/**
 * The environment of a container. `variables` are those that `$(NAME)` can refer to: everything but what is inherited
 * from the shell, which no cluster would have.
 */
function containerEnvironment(
  spec: ContainerSpec,
  at: string,
  pod: PodContext,
): { env: Environment; variables: Environment } | ContainerProblem {
  const own = ownPorts(spec, pod);
  const variables: Environment = {
    HOSTNAME: pod.replica,
    ...serviceVariables(pod.services, pod.capture.servicePorts, pod.namespace),
    ...proxyVariables(pod.capture.httpProxyPort),
    ...portVariables([...own, ...(pod.datagramPorts ?? [])]),
  };
  const problem = (what: string, path: string): ContainerProblem => ({
    code: 'LAT0314',
    message: `${pod.replica}: container ${spec.name}: ${what}.`,
    path: `${at}.${path}`,
  });
  for (const [index, { prefix = '', configMapRef }] of (spec.envFrom ?? []).entries()) {
    if (configMapRef === undefined) continue;
    const data = findData(pod.configMaps, pod.namespace, configMapRef.name);
    if (data === undefined) {
      if (configMapRef.optional === true) continue;
      return problem(`there is no ConfigMap ${pod.namespace}/${configMapRef.name}`, `envFrom[${index}].configMapRef`);
    }
    for (const [key, value] of Object.entries(data)) variables[`${prefix}${key}`] = value;
  }
  for (const [index, { name, value, valueFrom }] of (spec.env ?? []).entries()) {
    const ref = valueFrom?.configMapKeyRef;
    if (ref !== undefined) {
      const found = findData(pod.configMaps, pod.namespace, ref.name)?.[ref.key];
      if (found !== undefined) variables[name] = found;
      else if (ref.optional !== true) {
        const what = `there is no key ${ref.key} in a ConfigMap ${pod.namespace}/${ref.name}`;
        return problem(what, `env[${index}].valueFrom.configMapKeyRef`);
      }
    } else if (valueFrom?.fieldRef !== undefined) {
      variables[name] = podField(valueFrom.fieldRef.fieldPath, pod);
    } else {
      variables[name] = expandReferences(value ?? '', variables);
    }
  }
  // `PORT: "9080"` beside `containerPort: 9080` says "listen on the container port", which on a laptop is another one.
  const meant = own.find(({ containerPort }) => String(containerPort) === variables.PORT);
  if (meant !== undefined) variables.PORT = String(meant.appPort);

  const env: Environment = { ...inheritedVariables(pod.inherited), ...variables };
  // `node` is then the one that runs Lateen, which is new enough for NODE_USE_ENV_PROXY.
  env.PATH = [dirname(process.execPath), ...(env.PATH === undefined ? [] : [env.PATH])].join(delimiter);
  return { env, variables };
}

/** Where a manifest has a container port, the process listens on another one. */
function ownPorts(spec: ContainerSpec, pod: PodContext): InstancePort[] {
  return (spec.ports ?? []).flatMap(
    ({ containerPort }) => pod.ports.find((port) => port.containerPort === containerPort) ?? [],
  );
}

/** Fields of the downward API (core/v1 ObjectFieldSelector). */
function podField(fieldPath: string, pod: PodContext): string {
  const { metadata } = pod.template;
  const [, group, key] = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(fieldPath) ?? [];
  if (group !== undefined && key !== undefined) {
    return (group === 'labels' ? metadata?.labels : metadata?.annotations)?.[key] ?? '';
  }
  switch (fieldPath) {
    case 'metadata.name':
      return pod.replica;
    case 'metadata.namespace':
      return pod.namespace;
    case 'spec.nodeName':
      return hostname();
    case 'spec.serviceAccountName':
      return serviceAccountOf(pod.template);
    case 'status.podIP':
    case 'status.hostIP':
      return LOOPBACK;
    default:
      throw new Error(`field path not handled: ${fieldPath}`);
  }
}

function locate(
  command: string,
  cwd: string,
  env: Environment,
  title: string,
  path: string,
): { readonly path: string } | ContainerProblem {
  const executable = findExecutable(command, cwd, env.PATH ?? '');
  if (executable.kind === 'found') return { path: executable.path };
  if (executable.kind === 'missing') {
    const message = `${title}: the command ${command} was not found (searched: ${executable.searched}). Install it, or correct the command.`;
    return { code: 'LAT0311', message, path };
  }
  const message = `${title}: ${executable.path} cannot be executed: ${executable.reason}. Make it executable with \`chmod +x\`, or start it through its interpreter.`;
  return { code: 'LAT0312', message, path };
}

function planProbe(
  probe: ProbeSpec,
  spec: ContainerSpec,
  pod: PodContext,
  cwd: string,
  env: Environment,
  variables: Environment,
  title: string,
  at: string,
): Probe | ContainerProblem {
  const action = probeAction();
  if ('code' in action) return action;
  // Defaults of core/v1 Probe.
  return {
    action,
    initialDelayMs: (probe.initialDelaySeconds ?? 0) * 1000,
    periodMs: (probe.periodSeconds ?? 10) * 1000,
    timeoutMs: (probe.timeoutSeconds ?? 1) * 1000,
    successThreshold: probe.successThreshold ?? 1,
    failureThreshold: probe.failureThreshold ?? 3,
  };

  function probeAction(): ProbeAction | ContainerProblem {
    if (probe.exec !== undefined) {
      const [program = '', ...args] = probe.exec.command.map((part) => expandReferences(part, variables));
      const executable = locate(program, cwd, env, title, `${at}.exec.command[0]`);
      return 'code' in executable ? executable : { kind: 'exec', file: executable.path, args, cwd, env };
    }
    const wanted = probe.httpGet?.port ?? probe.tcpSocket?.port ?? 0;
    const port = realPort(wanted, spec, pod);
    if (port === undefined) {
      const names = (spec.ports ?? []).flatMap(({ name }) => name ?? []);
      const have = names.length === 0 ? 'it has no named ports' : `its ports are named ${names.join(', ')}`;
      const message = `${title}: the probe names the port ${wanted}, but ${have}.`;
      return { code: 'LAT0315', message, path: `${at}.${probe.httpGet === undefined ? 'tcpSocket' : 'httpGet'}.port` };
    }
    if (probe.httpGet === undefined) return { kind: 'tcp', host: LOOPBACK, port };
    const path = probe.httpGet.path ?? '/';
    const headers = Object.fromEntries((probe.httpGet.httpHeaders ?? []).map(({ name, value }) => [name, value]));
    return { kind: 'http', host: LOOPBACK, port, path: path.startsWith('/') ? path : `/${path}`, headers };
  }
}

/**
 * The port at which the process listens. A number that is no container port stays: the list of container ports is only
 * informational in Kubernetes, and such a process listens there by itself.
 */
function realPort(wanted: number | string, spec: ContainerSpec, pod: PodContext): number | undefined {
  const containerPort =
    typeof wanted === 'number' ? wanted : (spec.ports ?? []).find(({ name }) => name === wanted)?.containerPort;
  if (containerPort === undefined) return undefined;
  return pod.ports.find((port) => port.containerPort === containerPort)?.appPort ?? containerPort;
}

/**
 * Without a readiness probe a container is ready in Kubernetes as soon as it runs. Requests that come before it listens
 * would fail, so here its first port has to accept connections. Asked once only, hence the long period.
 */
function portProbe(spec: ContainerSpec, pod: PodContext): Probe | undefined {
  const first = ownPorts(spec, pod)[0];
  if (first === undefined) return undefined;
  return {
    action: { kind: 'tcp', host: LOOPBACK, port: first.appPort },
    initialDelayMs: 0,
    periodMs: 10_000,
    timeoutMs: 1000,
    successThreshold: 1,
    failureThreshold: Number.POSITIVE_INFINITY,
  };
}

function findData(
  configMaps: readonly ConfigMap[],
  namespace: string,
  name: string | undefined,
): Readonly<Record<string, string>> | undefined {
  const found = configMaps.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
  return found === undefined ? undefined : (found.data ?? {});
}
