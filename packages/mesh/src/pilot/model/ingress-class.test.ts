import type { Ingress, IngressClass } from '@lateen/api/kinds.ts';
import { describe, expect, it } from 'vitest';
import { buildIngressSettings, ingressDecisions } from './ingress-class.ts';

const CLASSES = [ingressClass('own', 'istio.io/ingress-controller'), ingressClass('nginx', 'k8s.io/ingress-nginx')];

function ingressClass(name: string, controller: string, isDefault = false): IngressClass {
  const annotations = isDefault ? { 'ingressclass.kubernetes.io/is-default-class': 'true' } : {};
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name, annotations },
    spec: { controller },
  };
}

function ingress(ingressClassName?: string, annotation?: string): Ingress {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name: 'a',
      namespace: 'default',
      ...(annotation === undefined ? {} : { annotations: { 'kubernetes.io/ingress.class': annotation } }),
    },
    spec: ingressClassName === undefined ? {} : { ingressClassName },
  };
}

type Mode = 'UNSPECIFIED' | 'OFF' | 'DEFAULT' | 'STRICT';

describe('an Ingress is served', () => {
  it.each<[Mode, string | undefined, string | undefined, boolean]>([
    ['STRICT', 'own', undefined, true],
    ['STRICT', 'nginx', undefined, false],
    ['STRICT', 'gone', undefined, false],
    ['STRICT', undefined, undefined, false],
    ['STRICT', undefined, 'istio', true],
    ['STRICT', undefined, 'nginx', false],
    ['STRICT', 'nginx', 'istio', true],
    ['STRICT', 'own', 'nginx', false],
    ['UNSPECIFIED', undefined, undefined, false],
    ['DEFAULT', undefined, undefined, true],
    ['DEFAULT', 'gone', undefined, true],
    ['DEFAULT', 'nginx', undefined, false],
    ['DEFAULT', undefined, 'nginx', false],
    ['OFF', 'own', undefined, false],
    ['OFF', undefined, 'istio', false],
  ])('in the mode %s, of the class %s, annotated %s: %s', (ingressControllerMode, className, annotation, expected) => {
    const decide = ingressDecisions(buildIngressSettings({ ingressControllerMode }), CLASSES);
    expect(decide(ingress(className, annotation)).isServed).toBe(expected);
  });

  it('by the default class if it names none: the first one by name', () => {
    const decide = (...classes: IngressClass[]) => ingressDecisions(buildIngressSettings({}), classes)(ingress());
    const own = ingressClass('b', 'istio.io/ingress-controller', true);
    expect(decide(own)).toEqual({ isServed: true });
    expect(decide(own, ingressClass('c', 'k8s.io/ingress-nginx', true))).toEqual({ isServed: true });
    expect(decide(own, ingressClass('a', 'k8s.io/ingress-nginx', true))).toEqual({
      isServed: false,
      why: "the default class a is that of the controller 'k8s.io/ingress-nginx', not of istio.io/ingress-controller",
    });
  });

  it('if its annotation names the class of the mesh', () => {
    const decide = ingressDecisions(buildIngressSettings({ ingressClass: 'edge' }), []);
    expect(decide(ingress(undefined, 'edge'))).toEqual({ isServed: true });
    expect(decide(ingress(undefined, 'istio'))).toEqual({
      isServed: false,
      why: "its annotation kubernetes.io/ingress.class is 'istio', and this mesh serves 'edge'",
      path: 'metadata.annotations["kubernetes.io/ingress.class"]',
    });
  });
});

describe('gateways that serve Ingresses', () => {
  it.each([
    [{}, 'ingressgateway'],
    [{ ingressService: 'istio-ingressgateway' }, 'ingressgateway'],
    [{ ingressService: 'edge' }, 'edge'],
    [{ ingressService: 'edge', ingressSelector: 'front' }, 'front'],
    [{ ingressService: '', ingressSelector: '' }, 'ingressgateway'],
  ])('where the mesh says %o have the label istio: %s', (fields, label) => {
    expect(buildIngressSettings(fields).selector).toEqual({ istio: label });
  });
});
