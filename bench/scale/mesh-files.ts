import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ENDPOINTS = 5;
/** In front of the number of a change, in the one field of a DestinationRule that clusters show as it is. */
export const CONNECTIONS_OF_CHANGE = 1_000_000;

/**
 * What distinguishes a service from how it was generated: numbers of changes, which
 * show up in what proxies get.
 */
export interface ServiceMarks {
  /** In a header that the VirtualService sets: `mark-NUMBER-`. */
  readonly route?: number;
  /** In the address of the first endpoint: 10.99.x.y. */
  readonly endpoint?: number;
  /** In the DestinationRule's limit of connections. */
  readonly policy?: number;
}

/** Where all services of a mesh are found, if they are to be called. */
export interface Place {
  /** Of the services. */
  readonly port: number;
  /** Each endpoint is 127.0.0.1 with one of these, in order. */
  readonly endpointPorts: readonly number[];
}

/**
 * A folder of configuration with many services of one shape: each has a ServiceEntry with five endpoints and a
 * DestinationRule in `se/NNNNN.yaml`, and a VirtualService with two routes in `vs/NNNNN.yaml`.
 */
export class MeshFiles {
  readonly dir: string;
  readonly #prepared: string;
  readonly #place: Place | undefined;

  /**
   * Two folders in `parent`: what the control plane reads, and beside it what was prepared to be moved there. Without
   * `place` nothing is behind the addresses of the endpoints.
   */
  constructor(parent: string, place?: Place) {
    this.#place = place;
    this.dir = join(parent, 'mesh');
    this.#prepared = join(parent, 'prepared');
    for (const folder of [join(this.dir, 'se'), join(this.dir, 'vs'), this.#prepared]) {
      mkdirSync(folder, { recursive: true });
    }
  }

  generate(services: number): void {
    for (let index = 0; index < services; index++) {
      writeFileSync(this.#path('se', index), serviceText(index, {}, this.#place));
      writeFileSync(this.#path('vs', index), routeText(index, {}));
    }
  }

  /** Writes a file that is not read yet. The result moves it to its place, which is all that the change then takes. */
  prepareRoute(index: number, marks: ServiceMarks): () => void {
    return this.#prepare('vs', index, routeText(index, marks));
  }

  /** The same for the file with the ServiceEntry and the DestinationRule. */
  prepareService(index: number, marks: ServiceMarks): () => void {
    return this.#prepare('se', index, serviceText(index, marks, this.#place));
  }

  remove(index: number): void {
    rmSync(this.#path('vs', index));
    rmSync(this.#path('se', index));
  }

  #prepare(kind: 'se' | 'vs', index: number, text: string): () => void {
    const path = join(this.#prepared, `${kind}-${index}.yaml`);
    writeFileSync(path, text);
    return () => renameSync(path, this.#path(kind, index));
  }

  #path(kind: 'se' | 'vs', index: number): string {
    return join(this.dir, kind, `${String(index).padStart(5, '0')}.yaml`);
  }
}

export function hostOf(index: number): string {
  return `svc-${index}.mesh.test`;
}

/** Up to 65,535 changes have addresses of their own. */
export function addressOfChange(number: number): string {
  return `10.99.${number >> 8}.${number & 255}`;
}

function serviceText(index: number, marks: ServiceMarks, place: Place | undefined): string {
  const endpoints = Array.from({ length: ENDPOINTS }, (_, replica) => {
    const own = `10.${10 + Math.floor(index / 12_800)}.${Math.floor(index / 50) % 256}.${(index % 50) * ENDPOINTS + replica + 1}`;
    const address = replica === 0 && marks.endpoint !== undefined ? addressOfChange(marks.endpoint) : own;
    const where =
      place === undefined
        ? address
        : `127.0.0.1\n    ports: {http: ${place.endpointPorts[replica % place.endpointPorts.length]}}`;
    return `  - address: ${where}
    labels: {app: svc-${index}, version: v${1 + (replica % 2)}}
    locality: region/zone-${replica % 3}
`;
  });
  const maxConnections = marks.policy === undefined ? 100 : CONNECTIONS_OF_CHANGE + marks.policy;
  return `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: svc-${index}, namespace: default}
spec:
  hosts: [${hostOf(index)}]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: ${place?.port ?? 80}, name: http, protocol: HTTP, targetPort: 8080}]
  endpoints:
${endpoints.join('')}---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: svc-${index}, namespace: default}
spec:
  host: ${hostOf(index)}
  trafficPolicy:
    connectionPool: {tcp: {maxConnections: ${maxConnections}}, http: {http2MaxRequests: 1000}}
    outlierDetection: {consecutive5xxErrors: 5, interval: 10s, baseEjectionTime: 30s}
`;
}

function routeText(index: number, marks: ServiceMarks): string {
  const headers = marks.route === undefined ? '' : `    headers: {request: {set: {x-mark: "mark-${marks.route}-"}}}\n`;
  const route = `    - destination: {host: ${hostOf(index)}}\n`;
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: svc-${index}, namespace: default}
spec:
  hosts: [${hostOf(index)}]
  http:
  - match: [{uri: {prefix: /api}}]
${headers}    timeout: 5s
    retries: {attempts: 2, perTryTimeout: 2s, retryOn: "5xx,reset"}
    route:
${route}  - route:
${route}`;
}
