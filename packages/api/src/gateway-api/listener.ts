import type * as z from 'zod/mini';
import { forEachRepeated, object, optional, type Report, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { arrayOfOneTo, groupName, hostname, kindName, options, pattern, sectionName } from './common.ts';
import { GATEWAY_API, secretRef } from './references.ts';

const requirement = object(
  {
    key: required(v.nonEmpty(), 'Label that is looked at.'),
    operator: required(v.oneOf(['In', 'NotIn', 'Exists', 'DoesNotExist']), 'What must hold of the label.'),
    values: optional(v.array(v.text()), 'For In and NotIn: the values.'),
  },
  {
    rules({ operator, values = [] }, report) {
      const needed = operator === 'In' || operator === 'NotIn';
      if (needed && values.length === 0) report(`must have a value for the operator ${operator}`, ['values']);
      if (!needed && values.length > 0) report(`must not be set for the operator ${operator}`, ['values']);
    },
  },
);

/** Which namespaces are meant, by their labels. */
export const labelSelector = object({
  matchLabels: optional(v.labels(), 'Labels that must be there with these values.'),
  matchExpressions: optional(v.array(requirement), 'More that must hold of the labels.'),
});

const allowedRoutes = object({
  namespaces: optional(
    object({
      from: optional(
        v.oneOf(['All', 'Selector', 'Same']),
        'Same, the default: the namespace of the listener. All: every one. Selector: those that the selector matches.',
      ),
      selector: optional(labelSelector, 'For Selector: labels of the namespaces.'),
    }),
    'Namespaces whose routes may attach.',
  ),
  kinds: optional(
    v.arrayUpTo(
      8,
      object({
        group: optional(groupName(), `API group of the kind; ${GATEWAY_API} by default.`),
        kind: required(kindName(), 'Kind of the routes.'),
      }),
    ),
    'Kinds of routes that may attach; by default all that the protocol allows.',
  ),
});

const listenerTls = object(
  {
    mode: optional(
      v.oneOf(['Terminate', 'Passthrough']),
      'Terminate, the default: TLS ends here. Passthrough: it goes on to the backend as it is.',
    ),
    certificateRefs: optional(
      v.arrayUpTo(64, secretRef),
      'Secrets with certificate and key. The client gets the one that is for its host.',
    ),
    options: optional(options(), 'Settings of implementations.'),
  },
  {
    rules({ mode = 'Terminate', certificateRefs = [], options: given = {} }, report) {
      if (mode === 'Terminate' && certificateRefs.length === 0 && Object.keys(given).length === 0) {
        report('must be set with the mode Terminate', ['certificateRefs']);
      }
    },
  },
);

const protocol = pattern(
  '^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\\/[A-Za-z0-9]+$',
  255,
  'a protocol such as HTTP, HTTPS, TLS, TCP, UDP or example.com/mine',
);

const listener = object({
  name: required(sectionName(), 'Name of the listener, by which routes attach to it.'),
  hostname: optional(hostname(), 'Host that is served, for HTTP, HTTPS and TLS; all of them by default.'),
  port: required(v.port(), 'Port to listen on.'),
  protocol: required(protocol, 'HTTP, HTTPS, TLS, TCP or UDP.'),
  tls: optional(listenerTls, 'How TLS is met. For the protocols HTTPS and TLS.'),
  allowedRoutes: optional(allowedRoutes, 'Which routes may attach; those of the same namespace by default.'),
});

export const listeners = () => arrayOfOneTo(64, listener);

export type Listener = z.infer<typeof listener>;

const WITHOUT_TLS: ReadonlySet<string> = new Set(['HTTP', 'TCP', 'UDP']);

/** What listeners must have to do with their protocols and with each other. */
export function checkListeners({ listeners: all }: { listeners: readonly Listener[] }, report: Report): void {
  all.forEach(({ protocol: spoken, tls, hostname: host }, index) => {
    if (WITHOUT_TLS.has(spoken) && tls !== undefined) {
      report(`must not be set for the protocol ${spoken}`, ['listeners', index, 'tls']);
    }
    if (spoken === 'TLS' && tls === undefined) report('must be set for the protocol TLS', ['listeners', index, 'tls']);
    if (spoken === 'HTTPS' && tls?.mode === 'Passthrough') {
      report('must be Terminate for the protocol HTTPS; take the protocol TLS', ['listeners', index, 'tls', 'mode']);
    }
    if ((spoken === 'TCP' || spoken === 'UDP') && host !== undefined) {
      report(`must not be set for the protocol ${spoken}, which knows no hosts`, ['listeners', index, 'hostname']);
    }
  });
  forEachRepeated(
    all,
    ({ name }) => name,
    ({ name }, index) => report(`the listener name ${name} is used twice`, ['listeners', index, 'name']),
  );
  forEachRepeated(
    all,
    ({ port, protocol: spoken, hostname: host }) => JSON.stringify([port, spoken, host]),
    (_, index) => report('has the same port, protocol and hostname as an earlier one', ['listeners', index]),
  );
}
