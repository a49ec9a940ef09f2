import { MESH_CONFIG, type MeshConfig, meshConfig } from '@lateen/api/istio/mesh-config.ts';
import type { ConfigMap, ConfigObject } from '@lateen/api/kinds.ts';
import { type Finding, validateAgainst } from '@lateen/api/validate.ts';
import { dataOf, problemsOf, readYaml } from './yaml-document.ts';

export type MeshConfigReading = {
  /** Undefined if there are errors. Empty if the ConfigMap says nothing. */
  readonly config?: MeshConfig;
  /** The paths start at the ConfigMap. */
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
  /** What is wrong with the text itself, with the line in it, counted from 1. */
  readonly problems: readonly { readonly message: string; readonly line: number }[];
};

/** Whether the ConfigMap is the one that configures the mesh. */
export function isMeshConfig(object: ConfigObject): object is ConfigMap {
  const { namespace, name } = MESH_CONFIG;
  return object.kind === 'ConfigMap' && object.metadata.namespace === namespace && object.metadata.name === name;
}

/** Reads the configuration of the mesh out of the text that the ConfigMap holds. */
export function readMeshConfig({ data = {} }: ConfigMap): MeshConfigReading {
  const networks = networksFinding(data.meshNetworks);
  const reading = readText(data[MESH_CONFIG.key] ?? '');
  const errors = [...networks, ...reading.errors];
  const warnings = [...otherKeys(data), ...reading.warnings];
  const { config, problems } = reading;
  return errors.length > 0 || config === undefined
    ? { errors, warnings, problems }
    : { config, errors, warnings, problems };
}

function readText(text: string): MeshConfigReading {
  const at = (path: readonly (string | number)[]) => ['data', MESH_CONFIG.key, ...path];
  const [source, second] = readYaml(text);
  if (source === undefined) return { config: {}, errors: [], warnings: [], problems: [] };
  const bad = problemsOf(source);
  const { value, problem } = dataOf(source);
  if (bad.length > 0) return { errors: [], warnings: [], problems: bad };
  if (problem !== undefined) return { errors: [], warnings: [], problems: [{ message: problem, line: 1 }] };
  if (second !== undefined) {
    const message = 'a second document: the configuration of the mesh is one';
    return { errors: [], warnings: [], problems: [{ message, line: second.linesBefore + 1 }] };
  }
  const { object, errors, warnings } = validateAgainst(meshConfig, value);
  const placed = (findings: readonly Finding[]) => findings.map((each) => ({ ...each, path: at(each.path) }));
  return {
    ...(object === undefined ? {} : { config: object }),
    errors: placed(errors),
    warnings: placed(warnings),
    problems: [],
  };
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
