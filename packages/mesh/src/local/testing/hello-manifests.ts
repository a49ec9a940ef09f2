import { fileURLToPath } from 'node:url';

export interface HelloOptions {
  readonly name?: string;
  readonly version?: string;
  readonly replicas?: number;
  readonly greeting?: string;
  readonly command?: string;
  /** See `hello.mjs`. */
  readonly onSigterm?: string;
}

/** A Deployment of `hello.mjs` whose pods belong to the service of `helloService`. */
export function helloDeployment(options: HelloOptions = {}): string {
  const {
    name = 'hello',
    version = 'v1',
    replicas = 1,
    greeting = 'hi',
    command = 'node',
    onSigterm = 'finish',
  } = options;
  const script = fileURLToPath(new URL('./hello.mjs', import.meta.url));
  return `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}-${version}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: ${name}, version: ${version}}}
  template:
    metadata: {labels: {app: ${name}, version: ${version}}}
    spec:
      terminationGracePeriodSeconds: 5
      containers:
      - name: ${name}
        command: [${command}, ${script}]
        env: [{name: GREETING, value: '${greeting}'}, {name: ON_SIGTERM, value: '${onSigterm}'}]
        ports: [{containerPort: 9080}]
        readinessProbe: {httpGet: {path: /, port: 9080}}
`;
}

/** A Service, and the routes from the ingress gateway to it. */
export function helloService(name = 'hello'): string {
  return `apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec:
  selector: {app: ${name}}
  ports: [{name: http, port: 9080}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: ${name}}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['${name}.test']}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}}
spec:
  hosts: ['${name}.test']
  gateways: [${name}]
  http: [{route: [{destination: {host: ${name}, port: {number: 9080}}}]}]
`;
}
