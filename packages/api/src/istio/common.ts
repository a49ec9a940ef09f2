import type * as z from 'zod/mini';
import { isWildcardHost } from '../names.ts';
import { object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';

const matches = {
  exact: optional(v.text(), 'Matches this value only.'),
  prefix: optional(v.nonEmpty(), 'Matches values that start like this.'),
  regex: optional(v.nonEmptyRegex(), 'Matches values that this regular expression (RE2 syntax) matches as a whole.'),
};

export const stringMatch = object(matches, { exactlyOne: ['exact', 'prefix', 'regex'] });

/** A string match of a header: `{}` asks only that the header is there. */
export const headerMatch = object(matches, { atMostOne: [['exact', 'prefix', 'regex']] });

export const percent = object({ value: optional(v.double(0, 100), 'Percent, 0 to 100; 0.1 is one in a thousand.') });

export const destination = object({
  host: required(
    v.syntax(
      (value) => value !== '*' && isWildcardHost(value),
      'a host name such as reviews or reviews.default.svc.cluster.local',
    ),
    'Service to send to. A short name is completed with the namespace of this object, not of the caller.',
  ),
  subset: optional(v.dnsLabel(), 'Subset of the service, as a DestinationRule for the same host defines it.'),
  port: optional(
    object({ number: required(v.port(), 'Number of the service port.') }),
    'Port of the service; needed when the service has several.',
  ),
});

export const workloadSelector = object({
  matchLabels: optional(v.labels(), 'A workload is selected when its pod has all of these labels.'),
});

/** A Gateway as VirtualServices name it: `NAME`, `NAMESPACE/NAME` or the reserved word `mesh`. */
export function gatewayName() {
  return v.syntax(isGatewayName, "a Gateway's NAME, NAMESPACE/NAME or the word mesh");
}

const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

function isGatewayName(value: string): boolean {
  const parts = value.split('/');
  return parts.length <= 2 && parts.every((part) => NAME.test(part));
}

export type Destination = z.infer<typeof destination>;
