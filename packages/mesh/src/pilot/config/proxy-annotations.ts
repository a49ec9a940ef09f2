import type { PathPart } from '@lateen/api/field-path.ts';
import { type ProxyDefaults, proxyDefaults } from '@lateen/api/istio/mesh-config-proxy.ts';
import type { Deployment } from '@lateen/api/kinds.ts';
import {
  COMPONENT_LOG_LEVEL_ANNOTATION,
  LOG_LEVEL_ANNOTATION,
  LOG_LEVELS,
  PROXY_CONFIG_ANNOTATION,
} from '@lateen/api/proxy-settings.ts';
import type { Finding } from '@lateen/api/validate.ts';
import { type EmbeddedReading, readEmbedded } from './embedded-yaml.ts';

type PodTemplate = Deployment['spec']['template'];

const ANNOTATIONS_PATH: readonly PathPart[] = ['spec', 'template', 'metadata', 'annotations'];

/** In a Deployment. */
export const PROXY_CONFIG_PATH: readonly PathPart[] = [...ANNOTATIONS_PATH, PROXY_CONFIG_ANNOTATION];

/** Reads what the annotations of a pod template say of its proxy: the ProxyConfig among them, and if the others are right. */
export function readProxyAnnotations({ metadata }: PodTemplate): EmbeddedReading<ProxyDefaults> {
  const annotations = metadata?.annotations ?? {};
  const { value, ...reading } = readEmbedded(
    proxyDefaults,
    annotations[PROXY_CONFIG_ANNOTATION] ?? '',
    PROXY_CONFIG_PATH,
  );
  const errors = [...reading.errors, ...logLevelFindings(annotations)];
  return errors.length > 0 || value === undefined ? { ...reading, errors } : { ...reading, value, errors };
}

function logLevelFindings(annotations: Readonly<Record<string, string>>): Finding[] {
  const level = annotations[LOG_LEVEL_ANNOTATION];
  const components = annotations[COMPONENT_LOG_LEVEL_ANNOTATION];
  const levels = LOG_LEVELS.join('|');
  const findings: Finding[] = [];
  if (level !== undefined && !LOG_LEVELS.includes(level)) {
    const message = `must be one of ${LOG_LEVELS.join(', ')}, not ${JSON.stringify(level)}`;
    findings.push({ code: 'LAT0113', path: [...ANNOTATIONS_PATH, LOG_LEVEL_ANNOTATION], message });
  }
  if (components !== undefined && !new RegExp(`^[a-z0-9_]+:(${levels})(,[a-z0-9_]+:(${levels}))*$`).test(components)) {
    const message = `must be like http:debug,upstream:trace, not ${JSON.stringify(components)}`;
    findings.push({ code: 'LAT0113', path: [...ANNOTATIONS_PATH, COMPONENT_LOG_LEVEL_ANNOTATION], message });
  }
  return findings;
}
