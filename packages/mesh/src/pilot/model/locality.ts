import type { LocalityIr } from '../proxy/ir/endpoints.ts';
import { defined } from './defined.ts';

/** Labels that tell where a workload runs, on the pod or as Kubernetes sets them on nodes. */
const ISTIO_LOCALITY = 'istio-locality';
const REGION = 'topology.kubernetes.io/region';
const ZONE = 'topology.kubernetes.io/zone';
const SUBZONE = 'topology.istio.io/subzone';

type Labels = Readonly<Record<string, string>>;

/** Istio's label goes before those of the node. Values of labels have no slash, so there a dot stands for it. */
export function localityOf(labels: Labels): LocalityIr | undefined {
  const whole = labels[ISTIO_LOCALITY];
  if (whole !== undefined && whole !== '')
    return parseLocality(whole.includes('/') ? whole : whole.replaceAll('.', '/'));
  const { [REGION]: region = '', [ZONE]: zone = '', [SUBZONE]: subzone = '' } = labels;
  return parseLocality([region, zone, subzone].join('/'));
}

/** `region/zone/sub-zone`; what comes after something that is missing does not count. */
export function parseLocality(text: string): LocalityIr | undefined {
  const [region = '', zone = '', subzone = ''] = text.split('/');
  if (region === '') return undefined;
  return defined({
    region,
    zone: zone === '' ? undefined : zone,
    subzone: zone === '' || subzone === '' ? undefined : subzone,
  });
}

/** `region/zone/sub-zone`, as far as it is known. */
export function localityText({ region, zone, subzone }: LocalityIr): string {
  return [region, zone, subzone].filter((part) => part !== undefined).join('/');
}

/** Labels as failover priorities see them: a locality that came another way counts as if labels said it. */
export function labelsWithLocality(labels: Labels, locality: LocalityIr | undefined): Labels {
  if (locality === undefined) return labels;
  const { region, zone, subzone } = locality;
  return {
    ...labels,
    [REGION]: region,
    ...(zone === undefined ? {} : { [ZONE]: zone }),
    ...(subzone === undefined ? {} : { [SUBZONE]: subzone }),
  };
}

/** Whether a pattern, `region/zone/sub-zone` with `*` or less for any, covers a locality. */
export function patternCovers(pattern: string, locality: LocalityIr | undefined): boolean {
  const actual = [locality?.region, locality?.zone, locality?.subzone];
  return pattern.split('/').every((part, i) => part === '*' || part === actual[i]);
}
