import { object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { hostname, pattern, preciseHostname } from './common.ts';
import { localObjectRef } from './references.ts';

const subjectAltName = object(
  {
    type: required(v.oneOf(['Hostname', 'URI']), 'What the name is.'),
    hostname: optional(hostname(), 'For Hostname: the name.'),
    uri: optional(
      pattern(
        '^(([^:/?#]+):)(//([^/?#]*))([^?#]*)(\\?([^#]*))?(#(.*))?',
        253,
        'a URI with scheme and authority, such as spiffe://cluster.local/ns/default/sa/reviews',
      ),
      'For URI: the name.',
    ),
  },
  {
    rules({ type, hostname: host, uri }, report) {
      if (type === 'Hostname') {
        if (host === undefined) report('must be set for the type Hostname', ['hostname']);
        if (uri !== undefined) report('must not be set for the type Hostname', ['uri']);
      } else {
        if (uri === undefined) report('must be set for the type URI', ['uri']);
        if (host !== undefined) report('must not be set for the type URI', ['hostname']);
      }
    },
  },
);

const DOMAIN = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*';

/** Which certificates a backend may show. */
export const backendTlsValidation = object(
  {
    caCertificateRefs: optional(
      v.arrayUpTo(8, localObjectRef),
      'ConfigMaps with the authorities that sign the certificates, in ca.crt.',
    ),
    wellKnownCACertificates: optional(
      pattern(
        `^(System|(${DOMAIN}/([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]))$`,
        253,
        'System, or DOMAIN/NAME as an implementation defines it',
      ),
      'System: the authorities that the operating system trusts.',
    ),
    hostname: required(
      preciseHostname(),
      'Host that is asked for by SNI. Without subjectAltNames, the certificate must be for it.',
    ),
    subjectAltNames: optional(
      v.arrayUpTo(5, subjectAltName),
      'Names of which the certificate must have one, in place of hostname.',
    ),
  },
  {
    rules({ caCertificateRefs = [], wellKnownCACertificates }, report) {
      const hasRefs = caCertificateRefs.length > 0;
      if (hasRefs && wellKnownCACertificates !== undefined) {
        report('caCertificateRefs and wellKnownCACertificates exclude each other', ['wellKnownCACertificates']);
      }
      if (!hasRefs && wellKnownCACertificates === undefined) {
        report('one of caCertificateRefs or wellKnownCACertificates must be set');
      }
    },
  },
);
