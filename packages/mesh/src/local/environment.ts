import type { ServicePortRef } from '#pilot/registry/processes/link.ts';

/** Variables of an application's process, in the order in which they were defined. */
export type Environment = Record<string, string>;

const LOOPBACK = '127.0.0.1';

/**
 * Kubernetes' references in `env`, `command` and `args`: `$(NAME)` becomes the variable's value, `$$` a dollar sign that
 * starts no reference, and a reference to an unknown variable stays as it is written.
 */
export function expandReferences(text: string, variables: Readonly<Environment>): string {
  return text.replace(/\$\$|\$\(([^()]*)\)/g, (found, name: string | undefined) => {
    if (name === undefined) return '$';
    return Object.hasOwn(variables, name) ? (variables[name] ?? '') : found;
  });
}

/**
 * The service variables of Kubernetes, for the services of the pod's namespace: `REVIEWS_SERVICE_HOST`,
 * `REVIEWS_SERVICE_PORT`, `REVIEWS_SERVICE_PORT_HTTP`, and those of Docker's links, `REVIEWS_PORT_9080_TCP_ADDR` and so
 * on. They point at the sidecar's loopback listener for the service. Services of other namespaces have none in
 * Kubernetes; here they have `REVIEWS_OTHERNAMESPACE_SERVICE_HOST` and `..._PORT`, as everything is on one address. So
 * have hosts of ServiceEntries, whichever their namespace is: `API_EXAMPLE_COM_SERVICE_HOST` and so on.
 */
export function serviceVariables(
  services: readonly ServicePortRef[],
  servicePorts: Readonly<Record<string, number>>,
  namespace: string,
): Environment {
  const variables: Environment = {};
  // Ports of one service follow each other; the first one gives the variables without a port's name.
  for (const service of withoutWildcards(services)) {
    const local = servicePorts[`${service.hostname}:${service.port}`];
    if (local === undefined) continue;
    const port = String(local);
    const name = variableName(service.name);
    if (service.namespace !== undefined && service.namespace !== namespace) {
      const prefix = `${name}_${variableName(service.namespace)}`;
      variables[`${prefix}_SERVICE_HOST`] = LOOPBACK;
      variables[`${prefix}_SERVICE_PORT`] ??= port;
      if (service.portName !== undefined) {
        variables[`${prefix}_SERVICE_PORT_${variableName(service.portName)}`] = port;
      }
      continue;
    }
    variables[`${name}_SERVICE_HOST`] = LOOPBACK;
    variables[`${name}_SERVICE_PORT`] ??= port;
    if (service.portName !== undefined) variables[`${name}_SERVICE_PORT_${variableName(service.portName)}`] ??= port;
    variables[`${name}_PORT`] ??= `tcp://${LOOPBACK}:${port}`;
    const link = `${name}_PORT_${service.port}_TCP`;
    if (variables[link] !== undefined) continue;
    variables[link] = `tcp://${LOOPBACK}:${port}`;
    variables[`${link}_PROTO`] = 'tcp';
    variables[`${link}_PORT`] = port;
    variables[`${link}_ADDR`] = LOOPBACK;
  }
  return variables;
}

/** A wildcard is no name to call. Where a host is spelt like a Service, the Service has the variables. */
function withoutWildcards(services: readonly ServicePortRef[]): readonly ServicePortRef[] {
  const named = services.filter(({ hostname }) => !hostname.startsWith('*'));
  return [
    ...named.filter(({ namespace }) => namespace !== undefined),
    ...named.filter(({ namespace }) => namespace === undefined),
  ];
}

/** Outbound calls through the sidecar's HTTP proxy listener, for the libraries and tools that know these variables. */
export function proxyVariables(httpProxyPort: number): Environment {
  const proxy = `http://${LOOPBACK}:${httpProxyPort}`;
  const direct = 'localhost,127.0.0.1,::1';
  return {
    HTTP_PROXY: proxy,
    http_proxy: proxy,
    NO_PROXY: direct,
    no_proxy: direct,
    // Node.js 24 and newer: fetch and node:http obey the variables above.
    NODE_USE_ENV_PROXY: '1',
  };
}

export interface PortPair {
  readonly containerPort: number;
  readonly appPort: number;
}

/** Where the application has to listen: `PORT` for its first container port, `PORT_9080` for each. */
export function portVariables(ports: readonly PortPair[]): Environment {
  const variables: Environment = {};
  for (const { containerPort, appPort } of ports) {
    variables.PORT ??= String(appPort);
    variables[`PORT_${containerPort}`] = String(appPort);
  }
  return variables;
}

/** What the application takes over from whoever typed `lateen up`, without what belongs to this process alone. */
export function inheritedVariables(env: NodeJS.ProcessEnv): Environment {
  const variables: Environment = {};
  for (const [name, value] of Object.entries(env)) {
    // The IPC channel of this process is no channel of the child, and a child of Node would try to use it.
    if (value === undefined || name.startsWith('NODE_CHANNEL_')) continue;
    // The proxies of the user's network still serve https, but plain HTTP goes to the sidecar.
    if (name === 'ALL_PROXY' || name === 'all_proxy') continue;
    variables[name] = value;
  }
  return variables;
}

function variableName(text: string): string {
  return text.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_');
}
