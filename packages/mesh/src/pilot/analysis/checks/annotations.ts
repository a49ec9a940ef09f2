import { type PathPart, pathText } from '@lateen/api/field-path.ts';
import { didYouMean } from '@lateen/api/suggest.ts';
import { type Check, refOf } from '../check.ts';

/** Annotations (and some labels) of Istio that something in Lateen reads. */
export const OBEYED: ReadonlySet<string> = new Set([
  'inject.istio.io/templates',
  'networking.istio.io/enable-autoallocate-ip',
  'networking.istio.io/exportTo',
  'networking.istio.io/traffic-distribution',
  'proxy.istio.io/config',
  'security.istio.io/tlsMode',
  'sidecar.istio.io/componentLogLevel',
  'sidecar.istio.io/logLevel',
  'topology.istio.io/network',
  'topology.istio.io/subzone',
]);

/** Those that only have a meaning for the pods of a cluster, and for tools. */
const CLUSTER_ONLY: ReadonlySet<string> = new Set([
  ...['proxyCPU', 'proxyCPULimit', 'proxyMemory', 'proxyMemoryLimit', 'proxyImage', 'proxyImageType', 'status'].map(
    (name) => `sidecar.istio.io/${name}`,
  ),
  ...['userVolume', 'userVolumeMount', 'rewriteAppHTTPProbers', 'nativeSidecar'].map(
    (name) => `sidecar.istio.io/${name}`,
  ),
  ...['agentLogLevel', 'controlPlaneAuthPolicy', 'discoveryAddress', 'interceptionMode'].map(
    (name) => `sidecar.istio.io/${name}`,
  ),
  // Which connections the kernel redirects: on one machine it redirects none.
  ...['includeOutboundIPRanges', 'excludeOutboundIPRanges', 'includeOutboundPorts', 'excludeOutboundPorts'].map(
    (name) => `traffic.sidecar.istio.io/${name}`,
  ),
  ...['includeInboundPorts', 'excludeInboundPorts', 'excludeInterfaces', 'kubevirtInterfaces'].map(
    (name) => `traffic.sidecar.istio.io/${name}`,
  ),
  'prometheus.istio.io/merge-metrics',
  'status.sidecar.istio.io/port',
  'istio.io/rev',
]);

const INJECT = 'sidecar.istio.io/inject';

/** Annotations of Istio that ask for something, and that nobody reads. */
export const annotations: Check = {
  about: 'annotations of Istio without effect',
  *run(mesh) {
    for (const object of mesh.all) {
      const places: { readonly path: PathPart[]; readonly values: Readonly<Record<string, string>> }[] = [
        { path: ['metadata', 'annotations'], values: object.metadata.annotations ?? {} },
      ];
      if (object.kind === 'Deployment') {
        const { annotations: values = {}, labels = {} } = object.spec.template.metadata ?? {};
        places.push({ path: ['spec', 'template', 'metadata', 'annotations'], values });
        const inject = labels[INJECT];
        if (inject !== undefined) {
          places.push({ path: ['spec', 'template', 'metadata', 'labels'], values: { [INJECT]: inject } });
        }
      }
      for (const { path, values } of places) {
        for (const [name, value] of Object.entries(values)) {
          if (!isForNobody(name, value)) continue;
          const message = `nothing acts on ${name}${name === INJECT ? '' : didYouMean(name, OBEYED)}`;
          yield { code: 'LAT0670', object: refOf(object), path: pathText([...path, name]), message };
        }
      }
    }
  },
};

function isForNobody(name: string, value: string): boolean {
  const [domain = ''] = name.split('/');
  if (domain !== 'istio.io' && !domain.endsWith('.istio.io')) return false;
  // Every workload has a sidecar.
  if (name === INJECT) return value !== 'true';
  return !OBEYED.has(name) && !CLUSTER_ONLY.has(name);
}
