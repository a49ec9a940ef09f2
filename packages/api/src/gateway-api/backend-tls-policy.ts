import type * as z from 'zod/mini';
import { objectSchema } from '../kubernetes/metadata.ts';
import { object, optional, required } from '../schema/field.ts';
import { backendTlsValidation } from './backend-tls-validation.ts';
import { arrayOfOneTo, groupName, kindName, objectName, options, sectionName } from './common.ts';

const targetRef = object({
  group: required(groupName(), 'API group of the target; empty for Services.'),
  kind: required(kindName(), 'Kind of the target, such as Service.'),
  name: required(objectName(), 'Name of the target, in the same namespace.'),
  sectionName: optional(sectionName(), 'Port of the Service, by name; all of them by default.'),
});

const backendTlsPolicySpec = object(
  {
    targetRefs: required(arrayOfOneTo(16, targetRef), 'Services that are called with TLS.'),
    validation: required(backendTlsValidation, 'Which certificates they may show.'),
    options: optional(options(), 'Settings of implementations.'),
  },
  {
    rules({ targetRefs }, report) {
      const firstHasSection = new Map<string, boolean>();
      const seen = new Set<string>();
      targetRefs.forEach(({ group, kind, name, sectionName: section }, index) => {
        const target = JSON.stringify([group, kind, name]);
        const part = JSON.stringify([target, section]);
        const first = firstHasSection.get(target);
        if (seen.has(part)) report('names the same part of the target as an earlier one', ['targetRefs', index]);
        else if (first !== undefined && first !== (section !== undefined)) {
          report('all elements for one target must have a sectionName, if there are several', ['targetRefs', index]);
        }
        if (first === undefined) firstHasSection.set(target, section !== undefined);
        seen.add(part);
      });
    },
  },
);

export const backendTlsPolicy = objectSchema('gateway.networking.k8s.io/v1', 'BackendTLSPolicy', backendTlsPolicySpec);

export type BackendTLSPolicy = z.infer<typeof backendTlsPolicy>;
