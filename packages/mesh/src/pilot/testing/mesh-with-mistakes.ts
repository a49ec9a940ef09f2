import type { ConfigObject } from '@lateen/api/kinds.ts';
import { parseDocuments } from '../config/parse.ts';

/** Everything that checks look at, in as many services as wanted, with mistakes in each. */
export function meshWithMistakes(services: number): ConfigObject[] {
  const texts = Array.from({ length: services }, (_, index) => {
    const namespace = `ns${index % 50}`;
    const other = `s${(index + 1) % services}.ns${(index + 1) % 50}.svc.cluster.local`;
    return `apiVersion: v1
kind: Service
metadata: {name: s${index}, namespace: ${namespace}}
spec: {selector: {app: s${index}}, ports: [{port: 80, name: web, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: s${index}, namespace: ${namespace}}
spec:
  selector: {matchLabels: {app: s${index}}}
  template:
    metadata: {labels: {app: s${index}, team: blue}}
    spec: {containers: [{name: a, command: [a], ports: [{containerPort: 8080}]}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: s${index}, namespace: ${namespace}}
spec: {host: s${index}, subsets: [{name: v1, labels: {version: v1}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: s${index}, namespace: ${namespace}}
spec:
  hosts: [s${index}, shared.example.com]
  http:
    - match: [{uri: {prefix: /s${index}/}}]
      route: [{destination: {host: ${other}}}]
    - match: [{uri: {prefix: /s${index}/a}}]
      route: [{destination: {host: s${index}, subset: v1}}]
    - route: [{destination: {host: s${index}}}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: e${index}, namespace: ${namespace}}
spec:
  hosts: [e${index}.example.com]
  addresses: [10.${index % 200}.${Math.floor(index / 200)}.0/24]
  ports: [{number: 5432, name: tcp, protocol: TCP}]
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: s${index}, namespace: ${namespace}}
spec: {workloadSelector: {labels: {app: s${index}}}, egress: [{hosts: ["./*", "*/*.example.com"]}]}
`;
  });
  return parseDocuments(texts.join('---\n'), 'mesh.yaml', { defaultNamespace: 'default' }).objects.map(
    ({ object }) => object,
  );
}
