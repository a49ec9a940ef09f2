import type * as z from 'zod/mini';
import { isDnsSubdomain, isIp } from '../names.ts';
import { checked, later, object, optional, type Report, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { objectSchema } from './metadata.ts';

const backend = object(
  {
    service: optional(
      object({
        name: required(v.dnsLabel(), 'Name of the Service, in the same namespace.'),
        port: required(
          object(
            {
              name: optional(v.dnsLabel(), 'Name of the port.'),
              number: optional(v.port(), 'Number of the port.'),
            },
            { exactlyOne: ['name', 'number'] },
          ),
          'Port of the Service.',
        ),
      }),
      'Service that gets the requests.',
    ),
    resource: later(v.anyObject(), 'backends other than Services'),
  },
  { exactlyOne: ['service', 'resource'] },
);

const host = checked(v.text(), (value) => {
  if (value === '') return undefined;
  const name = value.startsWith('*.') ? value.slice(2) : value;
  if (isIp(name)) return 'must be a name, not an IP address';
  return isDnsSubdomain(name)
    ? undefined
    : `must be a host name, or *.example.com, in lower case, not ${v.quote(value)}`;
});

const httpPath = object(
  {
    path: optional(v.text(), "Path of the request, which starts with '/'."),
    pathType: required(
      v.oneOf(['Exact', 'Prefix', 'ImplementationSpecific']),
      'Exact: the path as it is. Prefix: the path and what lies below it, by whole elements. ImplementationSpecific: as Prefix, where `/*` or `.*` at the end is left out; no path is every path.',
    ),
    backend: required(backend, 'Where the requests go.'),
  },
  {
    rules({ path = '', pathType }, report) {
      if (pathType === 'ImplementationSpecific') {
        if (path !== '' && !path.startsWith('/')) report("must start with '/'", ['path']);
        return;
      }
      if (!path.startsWith('/')) report("must start with '/'", ['path']);
      const wrong = ['//', '/./', '/../', '%2f', '%2F'].find((part) => path.includes(part));
      if (wrong !== undefined) report(`must not contain '${wrong}'`, ['path']);
      const end = ['/..', '/.'].find((part) => path.endsWith(part));
      if (end !== undefined) report(`must not end with '${end}'`, ['path']);
    },
  },
);

const ingressSpec = object(
  {
    ingressClassName: optional(
      v.dnsSubdomain(),
      "IngressClass that it belongs to. One whose controller is another's is left alone. Without it, the annotation kubernetes.io/ingress.class counts, or the default class.",
    ),
    defaultBackend: optional(
      backend,
      'Gets the requests for its hosts that no path matches, and those for hosts that no Ingress has rules for.',
    ),
    tls: optional(
      v.array(
        object({
          hosts: optional(v.array(host), 'Hosts that the certificate is for; all of them if it is left out.'),
          secretName: optional(
            v.dnsSubdomain(),
            'Secret with tls.crt and tls.key, in the same namespace, or else in that of the gateway. Without it, the hosts are not served with TLS.',
          ),
        }),
      ),
      'Serves these hosts with TLS too, at port 443.',
    ),
    rules: optional(
      v.array(
        object({
          host: optional(
            host,
            'Host of the requests; all of them if it is left out. A wildcard, `*.example.com`, stands for one label.',
          ),
          http: optional(
            object({ paths: required(v.nonEmptyArray(httpPath), 'Paths; the longest one that matches is taken.') }),
            'What becomes of HTTP requests. Without it, they go to the default backend.',
          ),
        }),
      ),
      'Rules by host and path.',
    ),
  },
  {
    rules({ defaultBackend, rules = [] }, report: Report) {
      if (defaultBackend === undefined && rules.length === 0) report('must have rules or a defaultBackend');
    },
  },
);

export const ingress = objectSchema('networking.k8s.io/v1', 'Ingress', ingressSpec);

export type Ingress = z.infer<typeof ingress>;
