export type TlsVersion = '1.0' | '1.1' | '1.2' | '1.3';

/** Which TLS is spoken. What is absent is as it is where nobody says it: TLS 1.2 and 1.3, with ciphers and curves of Envoy's choice. */
export interface TlsParametersIr {
  readonly minVersion?: TlsVersion;
  readonly maxVersion?: TlsVersion;
  /** For versions up to 1.2. */
  readonly cipherSuites?: readonly string[];
  readonly ecdhCurves?: readonly string[];
}
