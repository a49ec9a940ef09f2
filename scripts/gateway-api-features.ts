/**
 * The features that the Gateway API names (release 1.6, `pkg/features`), and the cases below testdata/gateway-api that show
 * each of them with real Envoys. A feature without a case says why.
 */
export interface GatewayApiFeature {
  readonly name: string;
  readonly level: 'core' | 'extended';
  readonly cases: readonly string[];
  /** Why it is not in `SUPPORTED_FEATURES`. */
  readonly missing?: string;
}

type Row = readonly [name: string, cases: string] | readonly [name: string, cases: '', missing: string];

const CORE: readonly Row[] = [
  ['BackendTLSPolicy', 'backend-tls'],
  ['GRPCRoute', 'grpc grpc-routing route-kinds references'],
  ['Gateway', 'routing hosts hostname-intersection attachment https references'],
  [
    'HTTPRoute',
    'routing matches precedence hosts hostname-intersection attachment headers redirects references service-types shares route-kinds',
  ],
  ['Mesh', 'mesh mesh-routing mesh-filters mesh-connections'],
  ['ReferenceGrant', 'references https tcp-routing tls-routing mesh-routing'],
  ['TLSRoute', 'connections tls-routing mesh-connections'],
];

const EXTENDED: readonly Row[] = [
  ['BackendTLSPolicySANValidation', 'backend-tls'],
  ['GRPCRouteNamedRouteRule', 'grpc-routing'],
  ['GatewayAddressEmpty', 'addresses'],
  ['GatewayBackendClientCertificate', 'backend-tls'],
  ['GatewayFrontendClientCertificateValidation', 'https'],
  ['GatewayFrontendClientCertificateValidationInsecureFallback', 'https'],
  ['GatewayHTTPListenerIsolation', 'listener-isolation hosts'],
  ['GatewayHTTPSListenerDetectMisdirectedRequests', 'misdirected https'],
  ['GatewayInfrastructure', '', 'annotations of the infrastructure are for a cluster'],
  ['GatewayPort8080', 'attachment redirects'],
  ['GatewayStaticAddresses', 'addresses deployment'],
  ['HTTPRoute303RedirectStatusCode', 'redirects'],
  ['HTTPRoute307RedirectStatusCode', 'redirects'],
  ['HTTPRoute308RedirectStatusCode', 'redirects'],
  ['HTTPRouteBackendProtocolH2C', 'backend-protocols'],
  ['HTTPRouteBackendProtocolWebSocket', 'backend-protocols'],
  ['HTTPRouteBackendRequestHeaderModification', 'headers'],
  ['HTTPRouteBackendTimeout', 'retries-and-timeouts'],
  ['HTTPRouteCORS', 'cors'],
  ['HTTPRouteDestinationPortMatching', 'attachment'],
  ['HTTPRouteHostRewrite', 'rewrites'],
  ['HTTPRouteMethodMatching', 'matches precedence'],
  ['HTTPRouteNamedRouteRule', 'named-rules'],
  ['HTTPRouteParentRefPort', 'attachment'],
  ['HTTPRoutePathRedirect', 'redirects'],
  ['HTTPRoutePathRewrite', 'rewrites'],
  ['HTTPRoutePortRedirect', 'redirects'],
  ['HTTPRouteQueryParamMatching', 'matches precedence'],
  ['HTTPRouteRequestMirror', 'shares'],
  ['HTTPRouteRequestMultipleMirrors', 'shares'],
  ['HTTPRouteRequestPercentageMirror', 'shares'],
  ['HTTPRouteRequestTimeout', 'retries-and-timeouts'],
  ['HTTPRouteResponseHeaderModification', 'headers'],
  ['HTTPRouteRetry', 'retries-and-timeouts'],
  ['HTTPRouteRetryBackendTimeout', 'retries-and-timeouts'],
  ['HTTPRouteRetryConnectionError', 'retries-and-timeouts'],
  ['HTTPRouteSchemeRedirect', 'redirects'],
  ['ListenerSet', 'listener-sets'],
  ['MeshClusterIPMatching', 'mesh-routing'],
  ['MeshConsumerRoute', 'mesh mesh-routing'],
  ['MeshHTTPRouteBackendRequestHeaderModification', 'mesh-filters'],
  ['MeshHTTPRouteNamedRouteRule', 'named-rules'],
  ['MeshHTTPRouteQueryParamMatching', 'mesh-filters'],
  ['MeshHTTPRouteRedirectPath', 'mesh-filters'],
  ['MeshHTTPRouteRedirectPort', 'mesh-filters'],
  ['MeshHTTPRouteRewritePath', 'mesh-filters'],
  ['MeshHTTPRouteSchemeRedirect', 'mesh-filters'],
  ['TCPRoute', 'connections tcp-routing tcp-attach-all mesh-connections'],
  ['TLSRouteModeMixed', 'connections tls-routing'],
  ['TLSRouteModeTerminate', 'connections tls-routing'],
  ['UDPRoute', 'udp'],
];

export const GATEWAY_API_FEATURES: readonly GatewayApiFeature[] = [
  ...CORE.map((row) => featureOf(row, 'core')),
  ...EXTENDED.map((row) => featureOf(row, 'extended')),
];

function featureOf([name, cases, missing]: Row, level: GatewayApiFeature['level']): GatewayApiFeature {
  return { name, level, cases: cases === '' ? [] : cases.split(' '), ...(missing === undefined ? {} : { missing }) };
}

/** Text of docs/reference/gateway-api.md. */
export function gatewayApiPage(note: string): string {
  const rows = GATEWAY_API_FEATURES.map(({ name, level, cases, missing }) => {
    const links = cases.map((each) => `[${each}](../../testdata/gateway-api/${each}/)`).join(', ');
    return `| \`${name}\` | ${level} | ${missing === undefined ? links : `not yet: ${missing}`} |`;
  });
  return [
    '# Features of the Kubernetes Gateway API',
    '',
    note,
    'The Gateway API has names for what an implementation may be able to do, and a GatewayClass lists those of its own in',
    '`status.supportedFeatures`. Each is shown by cases, which have manifests (`input.yaml`) and calls with their answers',
    '(`expect.yaml`); the calls are made through real Envoys, and judged by the simulator.',
    '',
    '| Feature | Level | Cases |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
