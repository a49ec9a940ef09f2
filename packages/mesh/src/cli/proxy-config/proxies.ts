import type { ProxyConfigResponse } from '@lateen/api/admin.ts';
import type { ProxyScope } from '@lateen/api/proxy-scope.ts';
import { connectToMesh } from '../connect.ts';
import type { NamedProxies } from './target.ts';

/** Where the configuration of proxies is asked for. */
export interface Proxies {
  readonly names: NamedProxies;
  /** Whether there are Envoys to ask for what only they know. */
  readonly areRunning: boolean;
  /** Of `NAME.NAMESPACE`. */
  readonly configOf: (name: string) => Promise<ProxyConfigResponse>;
  /** The same. */
  readonly scopeOf: (name: string) => Promise<ProxyScope>;
}

/** Those of the running mesh. Throws LAT0304, LAT0305. */
export async function runningProxies(mesh: string | undefined): Promise<Proxies> {
  const client = connectToMesh(mesh);
  return {
    names: await client.status(),
    areRunning: true,
    configOf: (name) => client.proxyConfig(name),
    scopeOf: (name) => client.proxyScope(name),
  };
}
