import { type Diagnostic, diagnostic } from '@lateen/api/diagnostic.ts';
import type { ConfigObject, VirtualService } from '@lateen/api/kinds.ts';
import { type ObjectKey, refOfKey } from '@lateen/api/object-key.ts';
import { delegateKey, mergeDelegates } from '../model/delegation.ts';
import { buildRouteRules, type RouteRuleSet } from '../model/route-rule.ts';

/** Whether an object leaves rules to others, or has some that only others can put in force. */
export function takesPartInDelegation(object: ConfigObject): boolean {
  return isVirtualService(object) && ((object.spec.hosts ?? []).length === 0 || delegates(object));
}

/**
 * Rules of VirtualServices that never hold, because what one leaves to the other does not fit.
 *
 * @param parties those that `takesPartInDelegation`
 */
export function delegationWarnings(
  parties: ReadonlyMap<ObjectKey, ConfigObject>,
  objects: ReadonlyMap<ObjectKey, ConfigObject>,
  clusterDomain: string,
): readonly Diagnostic[] {
  const delegatedTo = new Set<string>();
  const found = new Map<string, Diagnostic>();
  for (const root of parties.values()) {
    if (!isVirtualService(root) || !delegates(root)) continue;
    const lookup = (delegate: string): RouteRuleSet | undefined => {
      const key = delegateKey(delegate);
      delegatedTo.add(key);
      const object = objects.get(key as ObjectKey);
      return isVirtualService(object) ? buildRouteRules(object, clusterDomain) : undefined;
    };
    for (const { type, source, message } of mergeDelegates(buildRouteRules(root, clusterDomain), lookup).problems) {
      const { kind, namespace, name, path = '' } = source;
      const code = type === 'missing' ? 'LAT0552' : 'LAT0553';
      const warning = diagnostic(code, message, { object: { kind, namespace, name }, path });
      found.set(`${kind}/${namespace}/${name} ${path} ${message}`, warning);
    }
  }
  const unused = [...parties].flatMap(([key, object]) => {
    if (!isVirtualService(object) || (object.spec.hosts ?? []).length > 0 || delegatedTo.has(key)) return [];
    const message = 'has no hosts, and no other VirtualService delegates to it';
    return [diagnostic('LAT0554', message, { object: refOfKey(key), path: 'spec' })];
  });
  return [...found.values(), ...unused];
}

function isVirtualService(object: ConfigObject | undefined): object is VirtualService {
  return object?.kind === 'VirtualService';
}

function delegates({ spec }: VirtualService): boolean {
  return (spec.hosts ?? []).length > 0 && (spec.http ?? []).some(({ delegate }) => delegate !== undefined);
}
