import type { MeshConfig } from '@lateen/api/istio/mesh-config.ts';
import type { Ingress, IngressClass } from '@lateen/api/kinds.ts';

/** Which Ingresses the mesh serves, and at which gateways: what its configuration says of them. */
export interface IngressSettings {
  /** `classless`: those of the class, and those that belong to no class. */
  readonly served: 'none' | 'of-class' | 'classless';
  /** What the annotation of Ingresses says that are meant for this mesh. */
  readonly className: string;
  /** Labels of the gateways. */
  readonly selector: Readonly<Record<string, string>>;
}

type IngressFields = Pick<MeshConfig, 'ingressControllerMode' | 'ingressClass' | 'ingressSelector' | 'ingressService'>;

export function buildIngressSettings({
  ingressControllerMode = 'STRICT',
  ingressClass = '',
  ingressSelector = '',
  ingressService = '',
}: IngressFields): IngressSettings {
  const mode = { OFF: 'none', DEFAULT: 'classless', STRICT: 'of-class', UNSPECIFIED: 'of-class' } as const;
  // Istio takes the name of the Service for the label too, but for that of its own gateway.
  const byService = ingressService === '' || ingressService === OWN_SERVICE ? OWN_LABEL : ingressService;
  return {
    served: mode[ingressControllerMode],
    className: ingressClass === '' ? OWN_CLASS : ingressClass,
    selector: { istio: ingressSelector === '' ? byService : ingressSelector },
  };
}

const OWN_CLASS = 'istio';
const OWN_SERVICE = 'istio-ingressgateway';
const OWN_LABEL = 'ingressgateway';

/** What an IngressClass says whose Ingresses Istio, and so this mesh, serves. */
export const INGRESS_CONTROLLER = 'istio.io/ingress-controller';
/** Of an Ingress: its class, as it was said before there were IngressClasses. */
export const CLASS_ANNOTATION = 'kubernetes.io/ingress.class';
/** Of an IngressClass: `true` makes it that of Ingresses that name none. */
export const DEFAULT_CLASS_ANNOTATION = 'ingressclass.kubernetes.io/is-default-class';

/** Served here, or why not, as the rest of a sentence, and the field that says so. */
export type IngressDecision =
  | { readonly isServed: true }
  | { readonly isServed: false; readonly why: string; readonly path?: string };

const SERVED: IngressDecision = { isServed: true };

/**
 * Whether this mesh serves an Ingress: as Istio decides it, with what a cluster fills in for those without a class.
 *
 * @param classOf by name
 * @param defaultClass see `defaultClassOf`
 */
export function decideIngress(
  { metadata: { annotations = {} }, spec }: Pick<Ingress, 'metadata' | 'spec'>,
  settings: IngressSettings,
  classOf: (name: string) => IngressClass | undefined,
  defaultClass: () => IngressClass | undefined,
): IngressDecision {
  const annotated = annotations[CLASS_ANNOTATION];
  if (settings.served === 'none') {
    return { isServed: false, why: 'the configuration of the mesh says so (ingressControllerMode: OFF)' };
  }
  if (annotated !== undefined) {
    if (annotated === settings.className) return SERVED;
    const why = `its annotation ${CLASS_ANNOTATION} is ${quoted(annotated)}, and this mesh serves ${quoted(settings.className)}`;
    return { isServed: false, why, path: `metadata.annotations["${CLASS_ANNOTATION}"]` };
  }
  const named = spec.ingressClassName;
  const found = named === undefined ? defaultClass() : classOf(named);
  if (found !== undefined) {
    const { controller = '' } = found.spec ?? {};
    if (controller === INGRESS_CONTROLLER) return SERVED;
    const which = named === undefined ? `the default class ${found.metadata.name}` : `the class ${named}`;
    const why = `${which} is that of the controller ${quoted(controller)}, not of ${INGRESS_CONTROLLER}`;
    return { isServed: false, why, ...(named === undefined ? {} : { path: CLASS_PATH }) };
  }
  if (settings.served === 'classless') return SERVED;
  if (named !== undefined) return { isServed: false, why: `there is no IngressClass ${named}`, path: CLASS_PATH };
  const why = `it names no class, and there is no default IngressClass. Set spec.ingressClassName, or the annotation ${CLASS_ANNOTATION}: ${settings.className}`;
  return { isServed: false, why };
}

/** The decisions on all Ingresses beside these classes. */
export function ingressDecisions(
  settings: IngressSettings,
  classes: readonly IngressClass[],
): (ingress: Ingress) => IngressDecision {
  const byName = new Map(classes.map((each) => [each.metadata.name, each]));
  const ofClassless = defaultClassOf(classes);
  return (ingress) =>
    decideIngress(
      ingress,
      settings,
      (name) => byName.get(name),
      () => ofClassless,
    );
}

const CLASS_PATH = 'spec.ingressClassName';

/** That of Ingresses without a class. Of several, a cluster takes the newest; here, the first by name. */
export function defaultClassOf(classes: Iterable<IngressClass>): IngressClass | undefined {
  const [first] = defaultClasses(classes);
  return first;
}

export function defaultClasses(classes: Iterable<IngressClass>): IngressClass[] {
  return [...classes]
    .filter(({ metadata }) => metadata.annotations?.[DEFAULT_CLASS_ANNOTATION] === 'true')
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

function quoted(text: string): string {
  return `'${text}'`;
}
