import { MESH_CONFIG, type MeshConfig, meshConfig } from '@lateen/api/istio/mesh-config.ts';
import type { ConfigMap, ConfigObject } from '@lateen/api/kinds.ts';
import type { Finding } from '@lateen/api/validate.ts';
import { type EmbeddedReading, readEmbedded } from './embedded-yaml.ts';

/** Whether the ConfigMap is the one that configures the mesh. */
export function isMeshConfig(object: ConfigObject): object is ConfigMap {
  const { namespace, name } = MESH_CONFIG;
  return object.kind === 'ConfigMap' && object.metadata.namespace === namespace && object.metadata.name === name;
}

/** Reads the configuration of the mesh out of the text that the ConfigMap holds. */
export function readMeshConfig({ data = {} }: ConfigMap): EmbeddedReading<MeshConfig> {
  const networks = networksFinding(data.meshNetworks);
  const text = data[MESH_CONFIG.key] ?? '';
  const { value, problems, ...found } = readEmbedded(meshConfig, text, ['data', MESH_CONFIG.key]);
  const errors = [...networks, ...found.errors];
  const warnings = [...otherKeys(data), ...found.warnings];
  return errors.length > 0 || value === undefined
    ? { errors, warnings, problems }
    : { value, errors, warnings, problems };
}

/** Every mesh that Istio's installer made has this key, mostly with nothing in it. */
function networksFinding(text = ''): Finding[] {
  if (/^\s*(networks:\s*\{\s*\}\s*)?$/.test(text)) return [];
  const message = 'is not supported yet (meshes of several networks)';
  return [{ code: 'LAT0115', path: ['data', 'meshNetworks'], message }];
}

function otherKeys(data: Readonly<Record<string, string>>): Finding[] {
  return Object.keys(data)
    .filter((key) => key !== MESH_CONFIG.key && key !== 'meshNetworks')
    .map((key) => ({
      code: 'LAT0130',
      path: ['data', key],
      message: `has no effect: the configuration of the mesh stands under ${MESH_CONFIG.key}`,
    }));
}
