import type { ConfigObject } from '@lateen/api/kinds.ts';
import type { Collection, Reader } from '../../incremental/collection.ts';
import { type LabelSelector, selects } from '../label-selector.ts';
import { namespaceLabels } from '../namespace-labels.ts';

/** Whose routes, or listeners, are taken. */
export type AllowedNamespaces =
  | { readonly from: 'All' | 'None' }
  | { readonly from: 'Same'; readonly namespace: string }
  | { readonly from: 'Selector'; readonly selector: LabelSelector };

/** @param otherwise where nothing is said */
export function buildAllowedNamespaces(
  namespaces: { from?: string | undefined; selector?: LabelSelector | undefined } | undefined,
  ownNamespace: string,
  otherwise: 'Same' | 'None',
): AllowedNamespaces {
  const { from = otherwise, selector } = namespaces ?? {};
  if (from === 'All') return { from };
  if (from === 'Same') return { from, namespace: ownNamespace };
  return from === 'Selector' && selector !== undefined ? { from, selector } : { from: 'None' };
}

export function allows(
  allowed: AllowedNamespaces,
  namespace: string,
  objects: Collection<ConfigObject>,
  read: Reader,
): boolean {
  switch (allowed.from) {
    case 'All':
      return true;
    case 'None':
      return false;
    case 'Same':
      return allowed.namespace === namespace;
    case 'Selector':
      return selects(allowed.selector, namespaceLabels(namespace, objects, read));
  }
}
