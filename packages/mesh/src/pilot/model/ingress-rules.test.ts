import type { Ingress } from '@lateen/api/kinds.ts';
import { describe, expect, it } from 'vitest';
import { buildIngressRules, ingressPath, mergeIngressRules } from './ingress-rules.ts';
import type { Service } from './service.ts';

describe('a path', () => {
  it.each([
    ['Exact', '/a/', { type: 'exact', value: '/a/' }],
    ['Exact', '/', { type: 'exact', value: '/' }],
    ['Prefix', '/a', { type: 'separated-prefix', value: '/a' }],
    ['Prefix', '/a/', { type: 'separated-prefix', value: '/a' }],
    ['Prefix', '/', { type: 'any' }],
    // Envoy would refuse it as a prefix.
    ['Prefix', '/a?b', { type: 'exact', value: '/a?b' }],
    ['ImplementationSpecific', '/a', { type: 'separated-prefix', value: '/a' }],
    ['ImplementationSpecific', '/a.*', { type: 'separated-prefix', value: '/a' }],
    ['ImplementationSpecific', '/a/*', { type: 'separated-prefix', value: '/a' }],
    ['ImplementationSpecific', '/a/.*', { type: 'separated-prefix', value: '/a' }],
    ['ImplementationSpecific', '/*', { type: 'any' }],
    ['ImplementationSpecific', '', { type: 'any' }],
  ] as const)('%s %s', (pathType, path, expected) => {
    expect(ingressPath({ pathType, path })).toEqual(expected);
  });
});

type Path = readonly [path: string, pathType: 'Exact' | 'Prefix', service: string, port?: string];

function rulesOf(name: string, paths: readonly Path[], defaultBackend?: string, namespace = 'default') {
  const ingress: Ingress = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name, namespace },
    spec: {
      ...(defaultBackend === undefined
        ? {}
        : { defaultBackend: { service: { name: defaultBackend, port: { number: 80 } } } }),
      rules: [
        {
          host: 'a.test',
          http: {
            paths: paths.map(([path, pathType, service, port]) => ({
              path,
              pathType,
              backend: { service: { name: service, port: port === undefined ? { number: 80 } : { name: port } } },
            })),
          },
        },
      ],
    },
  };
  return buildIngressRules(ingress, `istio-system/${name}`);
}

const SERVICE = { ports: [{ port: 80, name: 'http', protocol: 'http', targetPort: 80 }] } as unknown as Service;

/** `PATH -> SERVICE:PORT of INGRESS`, or `STATUS` */
function outline(...ingresses: ReturnType<typeof rulesOf>[]): string[] {
  const merged = mergeIngressRules('a.test', ingresses, 'cluster.local', (_, hostname) =>
    hostname.startsWith('gone.') ? undefined : SERVICE,
  );
  return (merged?.rules ?? []).map(({ matches: [match], action, source }) => {
    const path = match?.path;
    const to =
      action.type === 'forward'
        ? action.destinations.map(({ host, port }) => `${host.split('.')[0]}:${port}`).join()
        : action.type === 'direct-response'
          ? action.status
          : '';
    return `${path !== undefined && 'value' in path ? `${path.type} ${path.value}` : path?.type} -> ${to} of ${source.namespace}/${source.name} ${source.path}`;
  });
}

describe('rules of Ingresses for one host', () => {
  it('are tried by the length of their paths, exact ones first, default backends last', () => {
    expect(
      outline(
        rulesOf(
          'a',
          [
            ['/', 'Prefix', 'root'],
            ['/a', 'Prefix', 'a'],
            ['/a', 'Exact', 'b'],
            ['/a/b/', 'Prefix', 'c'],
          ],
          'd',
        ),
      ),
    ).toEqual([
      'separated-prefix /a/b -> c:80 of default/a spec.rules[0].http.paths[3]',
      'exact /a -> b:80 of default/a spec.rules[0].http.paths[2]',
      'separated-prefix /a -> a:80 of default/a spec.rules[0].http.paths[1]',
      'any -> root:80 of default/a spec.rules[0].http.paths[0]',
      'any -> d:80 of default/a spec.defaultBackend',
    ]);
  });

  it('are one list, in which the first by namespace and name has what two ask for', () => {
    const a = rulesOf('b', [['/a', 'Prefix', 'a']], 'd', 'apple');
    const b = rulesOf(
      'a',
      [
        ['/a', 'Prefix', 'b'],
        ['/a/b', 'Prefix', 'c'],
      ],
      'e',
      'bear',
    );
    const expected = [
      'separated-prefix /a/b -> c:80 of bear/a spec.rules[0].http.paths[1]',
      'separated-prefix /a -> a:80 of apple/b spec.rules[0].http.paths[0]',
      'separated-prefix /a -> b:80 of bear/a spec.rules[0].http.paths[0]',
      'any -> d:80 of apple/b spec.defaultBackend',
    ];
    expect(outline(a, b)).toEqual(expected);
    expect(outline(b, a)).toEqual(expected);
  });

  it('find ports by name, and fail where there is no such port or Service', () => {
    const paths: readonly Path[] = [
      ['/a', 'Prefix', 'a', 'http'],
      ['/b', 'Prefix', 'a', 'grpc'],
      ['/c', 'Prefix', 'gone'],
    ];
    expect(outline(rulesOf('a', paths))).toEqual([
      'separated-prefix /a -> a:80 of default/a spec.rules[0].http.paths[0]',
      'separated-prefix /b -> 503 of default/a spec.rules[0].http.paths[1]',
      'separated-prefix /c -> 503 of default/a spec.rules[0].http.paths[2]',
    ]);
  });
});
