import type { Diagnostic } from '@lateen/api/diagnostic.ts';
import type { ConfigObject } from '@lateen/api/kinds.ts';
import { keyOf, keyOfRef, type ObjectKey } from '@lateen/api/object-key.ts';
import { patternsCovering, resolveHost } from '../model/hostname.ts';
import { Admission } from './admission.ts';
import { FileLayer } from './file-layer.ts';
import { ruleHostOf } from './host-index.ts';
import { type ParsedObject, parseDocuments } from './parse.ts';
import { referencesOf } from './references.ts';
import { located } from './store.ts';

export interface CheckOptions {
  readonly defaultNamespace: string;
  readonly clusterDomain: string;
  /** The files are all there is, even if they declare no service. */
  readonly wholeMesh: boolean;
}

export interface CheckedFiles {
  /** What is valid by itself, whether or not it could be in force. */
  readonly objects: ReadonlyMap<ObjectKey, ParsedObject>;
  /** What is wrong with each object, and with what it refers to. */
  readonly diagnostics: readonly Diagnostic[];
  /** The files declare no service at all, so they are meant for a mesh that has them: what they refer to is not judged. */
  readonly isPart: boolean;
}

/** What a mesh that consists of these texts would say of them. */
export function checkFiles(
  files: readonly { readonly file: string; readonly manifest: string }[],
  { defaultNamespace, clusterDomain, wholeMesh }: CheckOptions,
): CheckedFiles {
  const layer = new FileLayer();
  const keys = new Set<ObjectKey>();
  for (const { file, manifest } of files) {
    for (const key of layer.set(file, parseDocuments(manifest, file, { defaultNamespace }))) keys.add(key);
  }
  const objects = new Map<ObjectKey, ParsedObject>();
  for (const key of keys) {
    const parsed = layer.get(key);
    if (parsed !== undefined) objects.set(key, parsed);
  }
  const isPart = !wholeMesh && ![...objects.values()].some(({ object }) => declaresService(object));
  const references = isPart ? judgeAlone(objects, clusterDomain) : judge(objects, clusterDomain);
  const placed = references.map((each) => located(each, each.object && objects.get(keyOfRef(each.object))?.origin));
  return { objects, diagnostics: [...layer.diagnostics(), ...placed], isPart };
}

function declaresService({ kind }: ConfigObject): boolean {
  return kind === 'Service' || kind === 'ServiceEntry';
}

function judge(objects: ReadonlyMap<ObjectKey, ParsedObject>, clusterDomain: string): Diagnostic[] {
  const admission = new Admission(clusterDomain);
  const { let: accepted, held } = admission.plan(new Map([...objects].map(([key, { object }]) => [key, object])));
  admission.commit(accepted);
  return [...[...held.values()].flat(), ...admission.warnings()];
}

/** Only what the files say of one another: in the place of services that they do not have stand some with all that is asked for. */
function judgeAlone(objects: ReadonlyMap<ObjectKey, ParsedObject>, clusterDomain: string): Diagnostic[] {
  const ports = new Map<string, Set<number>>();
  const ruled = new Set<string>();
  for (const { object } of objects.values()) {
    for (const { hostname, port } of referencesOf(object, clusterDomain).destinations) {
      const known = ports.get(hostname) ?? new Set();
      if (port !== undefined) known.add(port);
      ports.set(hostname, known);
    }
    const host = ruleHostOf(object, clusterDomain);
    if (host !== undefined) ruled.add(host);
  }
  const standIns = [...ports].flatMap(([hostname, numbers]) => standIn(hostname, [...numbers], clusterDomain));
  const all = new Map(objects);
  for (const object of standIns) all.set(keyOf(object), { object, origin: { file: '', line: 1, lineOf: () => 1 } });
  // That no DestinationRule has a subset is told only where there is one.
  return judge(all, clusterDomain).filter(
    (each) => each.code === 'LAT0202' && isAboutRuled(each, objects, ruled, clusterDomain),
  );
}

function isAboutRuled(
  { object, path }: Diagnostic,
  objects: ReadonlyMap<ObjectKey, ParsedObject>,
  ruled: ReadonlySet<string>,
  clusterDomain: string,
): boolean {
  const parsed = object === undefined ? undefined : objects.get(keyOfRef(object));
  const uses = referencesOf(parsed?.object, clusterDomain).destinations;
  const use = uses.find((each) => path?.startsWith(each.path));
  return use === undefined || patternsCovering(use.hostname).some((host) => ruled.has(host));
}

function standIn(hostname: string, ports: readonly number[], clusterDomain: string): ConfigObject[] {
  const [name = '', namespace = '', ...rest] = hostname.split('.');
  if (hostname !== resolveHost(name, namespace, clusterDomain) || rest[0] !== 'svc') return [];
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace },
      spec: { ports: (ports.length === 0 ? [80] : ports).map((port) => ({ port, name: `p${port}` })) },
    },
  ];
}
