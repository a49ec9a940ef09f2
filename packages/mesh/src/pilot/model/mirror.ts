import type { VirtualService } from '@lateen/api/kinds.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import { buildDestination, type Destination } from './route-action.ts';
import { ALL, perMillion } from './share.ts';

/** Where copies of some of the requests go. */
export interface Mirror {
  readonly destination: Destination;
  readonly perMillion: number;
}

type HttpRoute = NonNullable<VirtualService['spec']['http']>[number];

/** Undefined if the rule does not speak of mirrors. */
export function buildMirrors(route: HttpRoute, source: SourceRef, clusterDomain: string): Mirror[] | undefined {
  const { mirror, mirrors } = route;
  if (mirror === undefined && mirrors === undefined) return undefined;
  const at = (path: string): SourceRef => ({ ...source, path: `${source.path}.${path}` });
  const percent = route.mirrorPercent ?? route.mirror_percent;
  const single = perMillion(route.mirrorPercentage) ?? (percent === undefined ? ALL : perMillion({ value: percent }));
  const all = [
    ...(mirror === undefined
      ? []
      : [{ destination: buildDestination(mirror, at('mirror'), clusterDomain), perMillion: single ?? ALL }]),
    ...(mirrors ?? []).map(({ destination, percentage }, i) => ({
      destination: buildDestination(destination, at(`mirrors[${i}].destination`), clusterDomain),
      perMillion: perMillion(percentage) ?? ALL,
    })),
  ];
  return all.filter((each) => each.perMillion > 0);
}
