import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ENDPOINTS_PER_SERVICE = 5;

/**
 * Writes a mesh as people write it: for each service one file with its ServiceEntry and DestinationRule, and one with its
 * VirtualService; and beside these one file with a ConfigMap for each service.
 */
export function writeMesh(folder: string, services: number): void {
  for (const sub of ['services', 'routes-by-service']) mkdirSync(join(folder, sub), { recursive: true });
  for (let index = 0; index < services; index++) {
    writeFileSync(join(folder, 'services', `${index}.yaml`), service(index));
    writeFileSync(routeFile(folder, index), route(index, 5));
  }
  writeFileSync(settingsFile(folder), settings(services, 0, 0));
}

/** Replaces the service's VirtualService as editors and kubectl do, in one step. */
export function editRoute(folder: string, index: number, timeoutSeconds: number): void {
  replace(routeFile(folder, index), route(index, timeoutSeconds));
}

/** Changes one document of the file that has thousands. */
export function editSettings(folder: string, services: number, index: number, value: number): void {
  replace(settingsFile(folder), settings(services, index, value));
}

function replace(file: string, text: string): void {
  writeFileSync(`${file}.tmp`, text);
  renameSync(`${file}.tmp`, file);
}

function routeFile(folder: string, index: number): string {
  return join(folder, 'routes-by-service', `${index}.yaml`);
}

function settingsFile(folder: string): string {
  return join(folder, 'settings.yaml');
}

function service(index: number): string {
  const endpoints = Array.from(
    { length: ENDPOINTS_PER_SERVICE },
    (_, at) => `  - {address: 10.${index >> 8}.${index & 255}.${at + 1}, labels: {app: svc-${index}}}\n`,
  );
  return `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: svc-${index}, namespace: default}
spec:
  hosts: [svc-${index}.mesh.test]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}]
  endpoints:
${endpoints.join('')}---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: svc-${index}, namespace: default}
spec:
  host: svc-${index}.mesh.test
  trafficPolicy:
    connectionPool: {tcp: {maxConnections: 100}, http: {http2MaxRequests: 1000}}
    outlierDetection: {consecutive5xxErrors: 5, interval: 10s, baseEjectionTime: 30s}
`;
}

function route(index: number, timeoutSeconds: number): string {
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: svc-${index}, namespace: default}
spec:
  hosts: [svc-${index}.mesh.test]
  http:
  - match: [{uri: {prefix: /api}}]
    timeout: ${timeoutSeconds}s
    retries: {attempts: 2, perTryTimeout: 2s, retryOn: "5xx,reset"}
    route:
    - destination: {host: svc-${index}.mesh.test}
  - route:
    - destination: {host: svc-${index}.mesh.test}
`;
}

function settings(count: number, changed: number, value: number): string {
  return Array.from(
    { length: count },
    (_, index) =>
      `---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings-${index}}\ndata: {value: "${index === changed ? value : 0}"}\n`,
  ).join('');
}
