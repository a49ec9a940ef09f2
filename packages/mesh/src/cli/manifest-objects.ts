import type { ManifestFile } from '@lateen/api/admin.ts';
import { type Diagnostic, DiagnosticError, diagnostic, type ObjectRef } from '@lateen/api/diagnostic.ts';
import { LineCounter, parseAllDocuments } from 'yaml';
import { kindOfObject } from './kind-names.ts';

/**
 * Names of the objects in a manifest, for `delete -f`. What the objects say does not matter here, so that one which is
 * no longer valid can be deleted all the same. Throws `DiagnosticError`.
 */
export function objectsIn({ file, manifest }: ManifestFile, defaultNamespace = 'default'): ObjectRef[] {
  const lines = new LineCounter();
  const problems: Diagnostic[] = [];
  const refs: ObjectRef[] = [];
  for (const document of parseAllDocuments(manifest, { lineCounter: lines })) {
    const line = lines.linePos((document.contents?.range ?? document.range)?.[0] ?? 0).line;
    const [error] = document.errors;
    if (error !== undefined) {
      const message = error.message.split('\n')[0]?.replace(/ at line \d+, column \d+:$/, '') ?? 'not valid YAML';
      problems.push(diagnostic('LAT0101', message, { file, line: error.linePos?.[0].line ?? line }));
      continue;
    }
    for (const object of itemsOf(document.toJS())) {
      const ref = refOf(object, defaultNamespace);
      if (typeof ref === 'string') problems.push(diagnostic('LAT0104', ref, { file, line }));
      else refs.push(ref);
    }
  }
  if (problems.length > 0) throw new DiagnosticError(problems);
  return refs;
}

/** An empty document holds nothing, a List its items. */
function itemsOf(value: unknown): unknown[] {
  if (value === null || value === undefined) return [];
  const { kind, items } = value as { kind?: unknown; items?: unknown };
  return kind === 'List' && Array.isArray(items) ? items : [value];
}

type Fields = { apiVersion?: unknown; kind?: unknown; metadata?: { name?: unknown; namespace?: unknown } };

function refOf(value: unknown, defaultNamespace: string): ObjectRef | string {
  const { apiVersion, kind, metadata } = (value ?? {}) as Fields;
  if (typeof kind !== 'string') return 'kind is missing, so it is not known which object is meant';
  const name = metadata?.name;
  if (typeof name !== 'string') return 'metadata.name is missing, so it is not known which object is meant';
  const known = kindOfObject({ apiVersion, kind });
  const namespace = typeof metadata?.namespace === 'string' ? metadata.namespace : defaultNamespace;
  return { kind: known?.kind ?? kind, namespace: known?.namespaced === false ? '' : namespace, name };
}
