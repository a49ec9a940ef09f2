import type * as z from 'zod/mini';
import { objectSchema } from '../kubernetes/metadata.ts';
import { isDnsLabel, isWildcardHost } from '../names.ts';
import { forEachRepeated, later, object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';

const OTHER_PROTOCOLS = {
  HTTPS: 'gateways with TLS',
  TLS: 'gateways with TLS',
  HTTP2: 'gateways for other protocols than HTTP',
  GRPC: 'gateways for other protocols than HTTP',
  'GRPC-WEB': 'gateways for other protocols than HTTP',
  MONGO: 'gateways for other protocols than HTTP',
  TCP: 'gateways for other protocols than HTTP',
};

const gatewayPort = object({
  number: required(v.port(), 'Port to listen on.'),
  name: required(v.nonEmpty(), 'Name of the port; each server of the Gateway has another.'),
  protocol: required(
    v.oneOf(['HTTP', 'HTTPS', 'GRPC', 'GRPC-WEB', 'HTTP2', 'MONGO', 'TCP', 'TLS'], OTHER_PROTOCOLS),
    'Protocol of the port: HTTP.',
  ),
  targetPort: later(v.uint32(), 'a deprecated field', [0]),
});

const certificateFiles = {
  serverCertificate: optional(v.text(), 'File with the certificate chain.'),
  privateKey: optional(v.text(), 'File with the private key.'),
  caCertificates: optional(v.text(), 'File with the certificate authorities of clients.'),
};

const tlsVersion = v.oneOf(['TLS_AUTO', 'TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3']);

export const serverTls = object({
  httpsRedirect: optional(v.bool(), 'Answers plain HTTP with a redirect to HTTPS.'),
  mode: optional(
    v.oneOf(['PASSTHROUGH', 'SIMPLE', 'MUTUAL', 'AUTO_PASSTHROUGH', 'ISTIO_MUTUAL', 'OPTIONAL_MUTUAL']),
    'Whether and how TLS is ended here.',
  ),
  ...certificateFiles,
  caCrl: optional(v.text(), 'File with revoked certificates.'),
  tlsCertificates: optional(v.array(object(certificateFiles)), 'Several certificates, of different algorithms.'),
  credentialName: optional(v.text(), 'Secret with key and certificates.'),
  credentialNames: optional(v.array(v.text()), 'Secrets with key and certificates, of different algorithms.'),
  caCertCredentialName: optional(v.text(), 'Secret with the certificate authorities of clients.'),
  subjectAltNames: optional(v.array(v.text()), 'Names that clients may have.'),
  verifyCertificateSpki: optional(v.array(v.text()), 'Hashes of public keys that clients may have.'),
  verifyCertificateHash: optional(v.array(v.text()), 'Hashes of certificates that clients may have.'),
  minProtocolVersion: optional(tlsVersion, 'Lowest version of TLS.'),
  maxProtocolVersion: optional(tlsVersion, 'Highest version of TLS.'),
  cipherSuites: optional(v.array(v.text()), 'Ciphers that are allowed.'),
  insecureSkipVerify: optional(v.bool(), "Does not check clients' certificates."),
});

const gatewayServer = object({
  name: optional(v.text(), 'Name of the server, for logs.'),
  port: required(gatewayPort, 'Port that the server listens on.'),
  hosts: required(
    v.nonEmptyArray(
      v.syntax(
        isServerHost,
        "HOST or NAMESPACE/HOST, where HOST may be '*' or *.example.com and NAMESPACE may be '*' or '.'",
      ),
    ),
    'Hosts that are served; NAMESPACE/HOST takes rules from VirtualServices of that namespace only.',
  ),
  tls: later(serverTls, 'gateways with TLS'),
  bind: later(v.text(), 'addresses to listen on'),
  defaultEndpoint: later(v.text(), 'default endpoints'),
});

function isServerHost(value: string): boolean {
  const slash = value.indexOf('/');
  if (slash === -1) return isWildcardHost(value);
  const namespace = value.slice(0, slash);
  return (namespace === '*' || namespace === '.' || isDnsLabel(namespace)) && isWildcardHost(value.slice(slash + 1));
}

const gatewaySpec = object(
  {
    selector: optional(v.labels(), 'Labels of the proxies that are this gateway, such as istio: ingressgateway.'),
    servers: required(v.nonEmptyArray(gatewayServer), 'What the gateway listens on and serves.'),
  },
  {
    rules({ servers }, report) {
      forEachRepeated(
        servers,
        ({ port }) => port.name,
        ({ port }, index) =>
          report(`the port name ${port.name} is used by another server already`, ['servers', index, 'port', 'name']),
      );
    },
  },
);

export const gateway = objectSchema('networking.istio.io/v1', 'Gateway', gatewaySpec);

export type Gateway = z.infer<typeof gateway>;
