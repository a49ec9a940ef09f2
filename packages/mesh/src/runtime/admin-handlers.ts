import {
  type AnalysisResponse,
  type AppliedObject,
  type ApplyRequest,
  type ExplainRequest,
  type MeshStatus,
  manifestsOf,
  type ProxyConfigResponse,
  type ProxyReport,
} from '@lateen/api/admin.ts';
import { type Diagnostic, DiagnosticError, hasErrors, writtenDiagnostic } from '@lateen/api/diagnostic.ts';
import type { ConfigObject } from '@lateen/api/kinds.ts';
import { keyOf, keyOfRef, type ObjectKey, refOfKey } from '@lateen/api/object-key.ts';
import type { ProxyScope } from '@lateen/api/proxy-scope.ts';
import type { Journey } from '@lateen/api/verdict.ts';
import { asWritten } from '@lateen/api/written-kind.ts';
import { parseDocuments } from '#pilot/config/parse.ts';
import type { ConfigStore, Outcome } from '#pilot/config/store.ts';
import { objectNotFound } from './admin/admin-error.ts';
import type { AdminHandlers } from './admin/handlers.ts';
import { shown } from './admin/secrets.ts';
import { waitFor } from './wait-for.ts';

/** How long a change may take to reach every proxy before the answer no longer waits for them. */
const SETTLE_TIMEOUT_MS = 2_000;

/** What the admin API shows and changes. */
export interface Administered {
  readonly store: ConfigStore;
  /** Resolves when every connected proxy holds the configuration of now, or after `timeoutMs`. */
  settled(timeoutMs: number): Promise<void>;
  status(): MeshStatus;
  diagnostics(): readonly Diagnostic[];
  analysis(): AnalysisResponse;
  explain(request: ExplainRequest): Promise<Journey>;
  proxyReports(): readonly ProxyReport[];
  proxyConfig(name: string): Promise<ProxyConfigResponse | undefined>;
  proxyScope(name: string): Promise<ProxyScope | undefined>;
  metrics(): string;
  /** What proxies say to the object now, where they refuse what it asks for. */
  refusalsOf(key: ObjectKey): readonly string[];
  /** Resolves when every proxy that lacks something now has answered. Throws LAT0243 after `timeoutMs`. */
  delivered(timeoutMs: number): Promise<void>;
  /** What the control plane has to say of an object, as its `status` in Kubernetes. */
  objectStatus(object: ConfigObject): Readonly<Record<string, unknown>> | undefined;
}

export function adminHandlers(plane: Administered): AdminHandlers {
  const { store } = plane;
  return {
    status() {
      const status = plane.status();
      return { ...status, diagnostics: status.diagnostics.map(writtenDiagnostic) };
    },
    diagnostics: () => plane.diagnostics().map(writtenDiagnostic),
    analysis() {
      const analysis = plane.analysis();
      return { ...analysis, diagnostics: analysis.diagnostics.map(writtenDiagnostic) };
    },
    explain: (request) => plane.explain(request),
    proxies: () => plane.proxyReports(),
    metrics: () => plane.metrics(),
    wait: (request) => waitFor(plane, request),
    proxyConfig: (name) => plane.proxyConfig(name),
    proxyScope: (name) => plane.proxyScope(name),
    objects: ({ kind, namespace, name }) =>
      [...store.objects]
        .filter(([, object]) => kind === undefined || object.kind === kind)
        .filter(([key]) => namespace === undefined || refOfKey(key).namespace === namespace)
        .filter(([, object]) => name === undefined || object.metadata.name === name)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, object]) => ({ object: withStatus(object, plane), origin: originOf(plane, key) })),
    async apply(request) {
      const { parsed, warnings } = parse(request);
      if (request.dryRun === true) {
        return {
          objects: applied(store.apply(parsed, request.mode, true)),
          diagnostics: warnings.map(writtenDiagnostic),
        };
      }
      const keys = parsed.map(({ object }) => keyOf(object));
      const checkpoint = store.checkpoint(keys);
      const outcomes = store.apply(parsed, request.mode);
      await plane.settled(SETTLE_TIMEOUT_MS);
      // Envoy has the last word: if it refuses one of the objects, none is applied.
      const refused = keys.filter((key) => store.isRefused(key));
      if (refused.length > 0) {
        const reasons = plane
          .diagnostics()
          .filter(({ object }) => object !== undefined && refused.includes(keyOfRef(object)));
        store.undo(checkpoint);
        throw new DiagnosticError(reasons);
      }
      return { objects: applied(outcomes), diagnostics: warnings.map(writtenDiagnostic) };
    },
    async remove({ objects, ignoreNotFound = false, dryRun = false }) {
      const present = objects.filter((ref) => {
        const exists = store.objects.has(keyOfRef(ref));
        if (!exists && !ignoreNotFound) throw objectNotFound(ref);
        return exists;
      });
      const outcomes = store.remove(present.map(keyOfRef), dryRun);
      if (!dryRun) await plane.settled(SETTLE_TIMEOUT_MS);
      return { objects: applied(outcomes), diagnostics: [] };
    },
  };
}

function parse(request: ApplyRequest) {
  const results = manifestsOf(request).map(({ manifest, file }) =>
    parseDocuments(manifest, file, { defaultNamespace: request.namespace ?? 'default' }),
  );
  const diagnostics = results.flatMap((result) => result.diagnostics);
  if (hasErrors(diagnostics)) throw new DiagnosticError(diagnostics);
  return { parsed: results.flatMap((result) => result.objects), warnings: diagnostics };
}

function withStatus(object: ConfigObject, plane: Administered) {
  const status = plane.objectStatus(object);
  const written = asWritten(shown(object));
  return status === undefined ? written : { ...written, status };
}

function originOf(plane: Administered, key: ObjectKey) {
  const origin = plane.store.origin(key);
  return {
    file: origin?.file ?? '',
    ...(origin === undefined ? {} : { line: origin.line }),
    applied: plane.store.isApplied(key),
  };
}

function applied(outcomes: ReadonlyMap<ObjectKey, Outcome>): AppliedObject[] {
  return [...outcomes].map(([key, result]) => ({ ...refOfKey(key), result }));
}
