import type { PathPart } from '@lateen/api/field-path.ts';
import { type ProxyDefaults, proxyDefaults } from '@lateen/api/istio/mesh-config-proxy.ts';
import type { ConfigObject } from '@lateen/api/kinds.ts';
import {
  COMPONENT_LOG_LEVEL_ANNOTATION,
  LOG_LEVEL_ANNOTATION,
  LOG_LEVELS,
  PROXY_CONFIG_ANNOTATION,
} from '@lateen/api/proxy-settings.ts';
import type { Finding } from '@lateen/api/validate.ts';
import { type EmbeddedReading, readEmbedded } from './embedded-yaml.ts';

/** Annotations that hold for the pods of a proxy, and where in their object they stand. */
export interface PodAnnotations {
  readonly annotations: Readonly<Record<string, string>>;
  readonly path: readonly PathPart[];
}

/** Those that an object writes for the pods that are made for it, if it is of such a kind. */
export function podAnnotationsOf(object: ConfigObject): PodAnnotations | undefined {
  if (object.kind === 'Deployment') {
    const { annotations = {} } = object.spec.template.metadata ?? {};
    return { annotations, path: ['spec', 'template', 'metadata', 'annotations'] };
  }
  if (object.kind !== 'KubernetesGateway') return undefined;
  const { annotations = {} } = object.spec.infrastructure ?? {};
  return { annotations, path: ['spec', 'infrastructure', 'annotations'] };
}

/** Reads what annotations say of a proxy: the ProxyConfig among them, and if the others are right. */
export function readProxyAnnotations({ annotations, path }: PodAnnotations): EmbeddedReading<ProxyDefaults> {
  const text = annotations[PROXY_CONFIG_ANNOTATION] ?? '';
  const { value, ...reading } = readEmbedded(proxyDefaults, text, proxyConfigPath(path));
  const errors = [...reading.errors, ...logLevelFindings(annotations, path)];
  return errors.length > 0 || value === undefined ? { ...reading, errors } : { ...reading, value, errors };
}

/** Where the ProxyConfig stands among annotations. */
export function proxyConfigPath(annotations: readonly PathPart[]): readonly PathPart[] {
  return [...annotations, PROXY_CONFIG_ANNOTATION];
}

function logLevelFindings(annotations: PodAnnotations['annotations'], path: readonly PathPart[]): Finding[] {
  const level = annotations[LOG_LEVEL_ANNOTATION];
  const components = annotations[COMPONENT_LOG_LEVEL_ANNOTATION];
  const levels = LOG_LEVELS.join('|');
  const findings: Finding[] = [];
  if (level !== undefined && !LOG_LEVELS.includes(level)) {
    const message = `must be one of ${LOG_LEVELS.join(', ')}, not ${JSON.stringify(level)}`;
    findings.push({ code: 'LAT0113', path: [...path, LOG_LEVEL_ANNOTATION], message });
  }
  if (components !== undefined && !new RegExp(`^[a-z0-9_]+:(${levels})(,[a-z0-9_]+:(${levels}))*$`).test(components)) {
    const message = `must be like http:debug,upstream:trace, not ${JSON.stringify(components)}`;
    findings.push({ code: 'LAT0113', path: [...path, COMPONENT_LOG_LEVEL_ANNOTATION], message });
  }
  return findings;
}
