import type { MeshStatus, ServiceStatus, WorkloadStatus } from '@lateen/api/admin.ts';
import { gatewayUrls } from '@lateen/api/gateway-urls.ts';
import { formatDiagnosticLine } from './errors.ts';
import { formatTable } from './table.ts';
import { type Output, paint, printable } from './terminal.ts';

/** `lateen status`: everything at a glance; `wide` adds where each process can be reached. */
export function formatStatus(
  output: Pick<Output, 'colour'>,
  status: MeshStatus,
  { wide }: { readonly wide: boolean },
): string {
  const { gateways, services, workloads } = status;
  const parts = [
    `Mesh ${printable(status.mesh)} is ${status.ready ? paint(output, 'green', 'ready') : paint(output, 'yellow', 'not ready')}\n` +
      `  admin          ${status.control.admin}\n` +
      `  control plane  process ${status.control.pid}\n` +
      (status.supervisor.pid === status.control.pid ? '' : `  supervisor     process ${status.supervisor.pid}\n`),
  ];
  if (gateways.length > 0) {
    parts.push(
      formatTable(
        ['gateway', 'ready', 'url', ...(wide ? ['envoy', 'envoy admin'] : []), 'identity'],
        gateways.map((each) => [
          shortName(each),
          yesNo(each.ready),
          gatewayUrls(each).join(', '),
          ...(wide ? [String(each.pid ?? ''), each.envoyAdmin] : []),
          each.spiffeId,
        ]),
      ),
    );
  }
  if (services.length > 0) parts.push(serviceTable(status));
  if (workloads.length > 0) {
    parts.push(
      formatTable(
        [
          ...['replica', 'version', 'ready', 'status', 'restarts', 'proxy', 'process', 'envoy'],
          ...(wide ? ['inbound', 'outbound proxy', 'envoy admin', 'identity'] : []),
        ],
        workloads.map((each) => [
          shortName(each),
          each.labels.version ?? '',
          yesNo(each.ready),
          each.phase,
          String(each.restarts),
          proxyState(each.proxy),
          String(each.pid ?? ''),
          String(each.envoyPid ?? ''),
          ...(wide ? [inboundAddress(each), each.outboundProxy, each.envoyAdmin, each.spiffeId] : []),
        ]),
      ),
    );
  }
  parts.push(...formatTroubles(output, status));
  return parts.join('\n');
}

export interface ReadyView {
  /** From the command to readiness. */
  readonly elapsedMs: number;
  readonly colour: boolean;
}

/** What `lateen up` prints when it has started: what there is, and where. */
export function formatReady(status: MeshStatus, view: ReadyView): string {
  const seconds = (view.elapsedMs / 1000).toFixed(1);
  const headline = status.ready
    ? paint(view, 'green', `Mesh ${printable(status.mesh)} is ready in ${seconds} s`)
    : paint(view, 'yellow', `Mesh ${printable(status.mesh)} is not ready after ${seconds} s`);
  const addresses: (readonly [string, string])[] = [
    ...status.gateways.map((each) => [shortName(each), gatewayUrls(each).join('  ')] as const),
    ['admin', status.control.admin],
  ];
  const width = Math.max(...addresses.map(([name]) => name.length));
  const lines = addresses.map(
    ([name, url]) => `${printable(name).padEnd(width)}   ${paint(view, 'cyan', printable(url))}\n`,
  );
  const parts = [`${headline}\n`, ...(status.services.length === 0 ? [] : [serviceTable(status)]), lines.join('')];
  parts.push(...formatTroubles(view, status));
  return parts.join('\n');
}

function serviceTable({ services }: MeshStatus): string {
  return formatTable(
    ['service', 'versions', 'replicas', 'identity'],
    services.map((each) => [shortName(each), each.versions.join(', '), replicas(each), each.identities.join(', ')]),
  );
}

/** Where each call says whom it is for, nobody can be counted. */
function replicas({ resolution, ready, total }: ServiceStatus): string {
  return total === 0 && (resolution === 'by-name' || resolution === 'original') ? 'by name' : `${ready}/${total}`;
}

/** What is not as it should be: of processes, and of the configuration. One text for each, if there is any. */
function formatTroubles(output: Pick<Output, 'colour'>, status: MeshStatus): string[] {
  const diagnostics = status.diagnostics.map((each) => `${formatDiagnosticLine(output, each)}\n`).join('');
  return [formatProblems(output, status), diagnostics].filter((text) => text !== '');
}

/** Replicas, gateways and Gateways that are not as they should be, and where to read on. */
function formatProblems(output: Pick<Output, 'colour'>, status: MeshStatus): string {
  const { workloads, gateways, kubernetesGateways } = status;
  const lines: string[] = [];
  for (const each of workloads) {
    const name = printable(shortName(each));
    if (!each.ready) {
      const why = each.message === undefined ? '' : `: ${printable(each.message).replace(/\.+$/, '')}`;
      lines.push(
        `${paint(output, 'yellow', name)} is not ready (${printable(each.phase)})${why}. See: lateen logs ${name}`,
      );
    }
    if (each.proxy.rejected !== undefined) {
      lines.push(`${paint(output, 'yellow', name)} rejects its configuration: ${printable(each.proxy.rejected)}`);
    }
  }
  for (const each of gateways.filter((gateway) => !gateway.ready)) {
    const name = printable(shortName(each));
    lines.push(`${paint(output, 'yellow', name)} is not ready. See: lateen logs ${name}`);
  }
  for (const each of kubernetesGateways.filter(({ programmed }) => !programmed)) {
    const name = paint(output, 'yellow', printable(shortName(each)));
    lines.push(`the Gateway ${name} is not programmed (${each.reason}): ${printable(each.message)}`);
  }
  return lines.map((line) => `${line}\n`).join('');
}

/** Of the sidecar's listener for the first container port; a pod without ports has none. */
function inboundAddress({ inbound, ports }: WorkloadStatus): string {
  return ports.length === 0 ? '' : `${inbound.address}:${inbound.port}`;
}

function proxyState({ connected, synced, rejected }: WorkloadStatus['proxy']): string {
  if (!connected) return 'not connected';
  if (rejected !== undefined) return 'rejects';
  return synced ? 'synced' : 'syncing';
}

/** `reviews`, or `reviews.other` for namespaces other than `default`. */
export function shortName({ name, namespace }: { readonly name: string; readonly namespace: string }): string {
  return namespace === 'default' || namespace === '' ? name : `${name}.${namespace}`;
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}
