/** The files of a certificate authority, named as Istio names those of a plug-in CA. */
export const caFiles = {
  rootCertificate: 'root-cert.pem',
  /** Not there when the CA is the user's own: then the intermediate cannot be renewed here. */
  rootKey: 'root-key.pem',
  certificate: 'ca-cert.pem',
  key: 'ca-key.pem',
  /** The intermediate, and what leads from it to the root. */
  chain: 'cert-chain.pem',
} as const;
