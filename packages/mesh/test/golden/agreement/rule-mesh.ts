import type { ConfigObject } from '@lateen/api/kinds.ts';
import { keyOf } from '@lateen/api/object-key.ts';
import fc from 'fast-check';
import { parseDocuments } from '#pilot/config/parse.ts';
import type { GoldenCase } from '../case-file.ts';
import { anyHttpRouteRules } from './random-http-routes.ts';
import { anyRules } from './random-rules.ts';

/** Services whose sidecars' rules are random, and groups of hosts at the gateway. */
const SERVICES = 2;
const GATEWAY_GROUPS = 30;
/** At the gateway that is started for a Gateway of Kubernetes. */
const WEB_GROUPS = 30;

/** Rules, and by whom and by which names they can be met. */
export interface RuleGroup {
  readonly from: 'client-v1' | 'gateway' | 'web-lateen';
  readonly hosts: readonly string[];
  readonly objects: readonly ConfigObject[];
}

const workload = (name: string, labels: string, ports = ''): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  selector: {matchLabels: {${labels}}}
  template:
    metadata: {labels: {${labels}}}
    spec: {containers: [{name: app, image: example/app${ports}}]}
---`;

const service = (name: string): string => `
apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec: {selector: {app: ${name === 'empty' ? 'nobody' : 'echo'}}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${name}}
spec:
  host: ${name}
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}, {name: v3, labels: {version: v3}}]
---`;

const INPUT = [
  workload('client-v1', 'app: client'),
  ...['v1', 'v2', 'v3'].map((version) =>
    workload(`echo-${version}`, `app: echo, version: ${version}`, ', ports: [{containerPort: 8080}]'),
  ),
  ...['echo', 'other', 'empty', ...Array.from({ length: SERVICES }, (_, index) => `s${index}`)].map(service),
  `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: front}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: lateen
  listeners: [{name: http, port: 80, protocol: HTTP}]
`,
].join('\n');

/** One client, three versions of one application behind several services, and a gateway. */
export const RULE_MESH: GoldenCase = {
  name: 'agreement',
  folder: '',
  input: INPUT,
  proxies: undefined,
  down: [],
  failing: [],
  greeting: [],
  impostors: new Map(),
  diagnostics: [],
  calls: [],
  atMs: Date.UTC(2026, 0, 1),
  certificates: new Map(),
  tls: new Map(),
};

/** VirtualServices and HTTPRoutes of random rules: some hosts have those of two. */
export function randomGroups(seed: number): RuleGroup[] {
  const ofServices = Array.from({ length: SERVICES }, (_, index): Omit<RuleGroup, 'objects'> => {
    return { from: 'client-v1', hosts: [`s${index}`, `s${index}.default:80`, `S${index}`] };
  });
  const ofGateway = Array.from({ length: GATEWAY_GROUPS }, (_, index): Omit<RuleGroup, 'objects'> => {
    const host = `h${index}.test`;
    return {
      from: 'gateway',
      hosts: [host, `x.${host}`, `x.w.${host}`, host.toUpperCase(), `${host}:80`, `y.${host}:8080`],
    };
  });
  const ofWeb = Array.from({ length: WEB_GROUPS }, (_, index): Omit<RuleGroup, 'objects'> => {
    const host = `w${index}.test`;
    return { from: 'web-lateen', hosts: [host, `x.${host}`, `x.w.${host}`, host.toUpperCase(), `${host}:80`] };
  });
  const groups = [...ofServices, ...ofGateway, ...ofWeb];
  const numRuns = groups.length;
  const rules = fc.sample(fc.array(anyRules, { minLength: 1, maxLength: 2 }), { seed, numRuns });
  const routes = fc.sample(fc.array(anyHttpRouteRules, { minLength: 1, maxLength: 2 }), { seed, numRuns });
  return groups.map((group, index) => {
    const build = (write: Writer, each: readonly unknown[], part: number) => {
      const isValid = (rule: unknown) => valid(write(group, index, part, [rule])).length > 0;
      return valid(write(group, index, part, each.filter(isValid)));
    };
    // Half of the services have both, and then what routes leave goes on to the VirtualServices.
    const hasRoutes = group.from === 'web-lateen' || (group.from === 'client-v1' && index % 2 === 0);
    return {
      ...group,
      objects: [
        ...(group.from === 'web-lateen'
          ? []
          : (rules[index] ?? []).flatMap((http, i) => build(virtualService, http, i))),
        ...(hasRoutes ? (routes[index] ?? []).flatMap((each, i) => build(httpRoute, each, i)) : []),
      ],
    };
  });
}

type Writer = (group: Omit<RuleGroup, 'objects'>, index: number, part: number, rules: readonly unknown[]) => unknown;

function httpRoute(
  { from, hosts }: Omit<RuleGroup, 'objects'>,
  index: number,
  part: number,
  rules: readonly unknown[],
) {
  const [host = ''] = hosts;
  const isMesh = from === 'client-v1';
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: `routes-${index}-${part}`, namespace: 'default' },
    spec: {
      parentRefs: [isMesh ? { group: '', kind: 'Service', name: host } : { name: 'web' }],
      ...(isMesh ? {} : { hostnames: wildcardsOf(host)[(index + part) % wildcardsOf(host).length] }),
      rules,
    },
  };
}

function virtualService(
  { from, hosts }: Omit<RuleGroup, 'objects'>,
  index: number,
  part: number,
  http: readonly unknown[],
): unknown {
  const [host = ''] = hosts;
  const wildcards = wildcardsOf(host);
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: `rules-${index}-${part}`, namespace: 'default' },
    spec: {
      hosts: from === 'gateway' ? wildcards[(index + part) % wildcards.length] : [host],
      gateways: from === 'gateway' ? ['front'] : ['mesh'],
      http,
    },
  };
}

function wildcardsOf(host: string): readonly (readonly string[])[] {
  return [[host], [host, `*.${host}`], [`*.w.${host}`, host], [host, `*.${host}`, `*.w.${host}`]];
}

/** The object as it comes from a file, or nothing if it may not be. */
function valid(object: unknown): ConfigObject[] {
  const { objects } = parseDocuments(JSON.stringify(object), 'random.json', { defaultNamespace: 'default' });
  return objects.map((each) => each.object);
}

export function keysOf(groups: readonly RuleGroup[]): string[] {
  return groups.flatMap(({ objects }) => objects.map(keyOf));
}
