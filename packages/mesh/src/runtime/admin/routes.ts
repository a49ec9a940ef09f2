import { createHash } from 'node:crypto';
import type {
  AnalysisResponse,
  ApplyResponse,
  DiagnosticsResponse,
  ErrorResponse,
  MeshStatus,
  ObjectsQuery,
  ObjectsResponse,
  ProxiesResponse,
  WaitResponse,
} from '@lateen/api/admin.ts';
import { isLateenError } from '@lateen/api/lateen-error.ts';
import type { ProxyScope } from '@lateen/api/proxy-scope.ts';
import type { Journey } from '@lateen/api/verdict.ts';
import type { Context } from 'hono';
import { AdminError } from './admin-error.ts';
import { securityHeaders } from './guard.ts';
import type { AdminHandlers } from './handlers.ts';
import {
  parseApplyRequest,
  parseDeleteRequest,
  parseExplainRequest,
  parseWaitRequest,
  readJson,
} from './request-body.ts';
import { pagePolicy, statusPage } from './status-page.ts';

export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** It is a question that does not fit into an address, and changes nothing. */
  readonly asks?: true;
  /** Hono's syntax. */
  readonly path: string;
  readonly answer: (context: Context, handlers: AdminHandlers) => Response | Promise<Response>;
}

/** Everything that the admin server answers. Whatever is not a GET needs the token. */
export const routes: readonly Route[] = [
  {
    method: 'GET',
    path: '/',
    answer: async (context, handlers) => {
      const nonce = crypto.randomUUID();
      const page = await statusPage(handlers.status(), nonce);
      return context.body(page, 200, {
        ...securityHeaders(pagePolicy(nonce)),
        'Content-Type': 'text/html; charset=utf-8',
      });
    },
  },
  {
    method: 'GET',
    path: '/api/v1/status',
    answer: (context, handlers) => json<MeshStatus>(context, handlers.status()),
  },
  {
    method: 'GET',
    path: '/api/v1/objects',
    answer: (context, handlers) =>
      json<ObjectsResponse>(context, { objects: handlers.objects(objectsQuery(new URL(context.req.url))) }),
  },
  {
    method: 'POST',
    path: '/api/v1/objects',
    answer: async (context, handlers) =>
      json<ApplyResponse>(context, await handlers.apply(parseApplyRequest(await readJson(context.req.raw)))),
  },
  {
    method: 'POST',
    path: '/api/v1/objects/delete',
    answer: async (context, handlers) =>
      json<ApplyResponse>(context, await handlers.remove(parseDeleteRequest(await readJson(context.req.raw)))),
  },
  {
    method: 'DELETE',
    path: '/api/v1/objects/:kind/:namespace/:name',
    answer: async (context, handlers) => {
      const { kind = '', namespace = '', name = '' } = context.req.param();
      const ref = { kind, namespace: namespace === '-' ? '' : namespace, name };
      return json<ApplyResponse>(context, await handlers.remove({ objects: [ref] }));
    },
  },
  {
    method: 'POST',
    asks: true,
    path: '/api/v1/wait',
    answer: async (context, handlers) =>
      json<WaitResponse>(context, await handlers.wait(parseWaitRequest(await readJson(context.req.raw)))),
  },
  {
    method: 'GET',
    path: '/metrics',
    answer: (context, handlers) =>
      context.body(handlers.metrics(), 200, {
        ...securityHeaders(),
        'Content-Type': 'text/plain; version=0.0.4; charset=utf-8',
      }),
  },
  {
    method: 'GET',
    path: '/api/v1/diagnostics',
    answer: (context, handlers) => json<DiagnosticsResponse>(context, { diagnostics: handlers.diagnostics() }),
  },
  {
    method: 'GET',
    path: '/api/v1/analysis',
    answer: (context, handlers) => json<AnalysisResponse>(context, handlers.analysis()),
  },
  {
    method: 'POST',
    asks: true,
    path: '/api/v1/explain',
    answer: async (context, handlers) => {
      const request = parseExplainRequest(await readJson(context.req.raw));
      try {
        return json<Journey>(context, await handlers.explain(request));
      } catch (error) {
        if (!isLateenError(error)) throw error;
        throw new AdminError(400, error.code, error.message, error.remedy);
      }
    },
  },
  {
    method: 'GET',
    path: '/api/v1/proxies',
    answer: (context, handlers) => json<ProxiesResponse>(context, { proxies: handlers.proxies() }),
  },
  {
    method: 'GET',
    path: '/api/v1/proxies/:name/config',
    answer: async (context, handlers) => {
      const { name = '' } = context.req.param();
      const config = await handlers.proxyConfig(name);
      if (config !== undefined) return json(context, config);
      throw noProxy(name);
    },
  },
  {
    method: 'GET',
    path: '/api/v1/proxies/:name/scope',
    answer: async (context, handlers) => {
      const { name = '' } = context.req.param();
      const scope = await handlers.proxyScope(name);
      if (scope !== undefined) return json<ProxyScope>(context, scope);
      throw noProxy(name);
    },
  },
  { method: 'GET', path: '/healthz', answer: (context) => json(context, { ok: true }) },
  {
    method: 'GET',
    path: '/readyz',
    answer: (context, handlers) => {
      const status = handlers.status();
      if (status.ready) return json(context, { ready: true });
      const waiting = [...status.gateways, ...status.workloads].filter((each) => !each.ready).map((each) => each.name);
      const body: ErrorResponse = { code: 'LAT0511', message: `Not ready yet: ${waiting.join(', ') || 'starting'}.` };
      return context.body(JSON.stringify(body), 503, jsonHeaders());
    },
  },
];

function noProxy(name: string): AdminError {
  return new AdminError(404, 'LAT0544', `There is no proxy "${name}".`, 'GET /api/v1/proxies lists them.');
}

function objectsQuery(url: URL): ObjectsQuery {
  const query: Record<string, string> = {};
  for (const [name, value] of url.searchParams) {
    if (name !== 'kind' && name !== 'namespace' && name !== 'name') {
      throw new AdminError(
        400,
        'LAT0547',
        `Unknown parameter "${name.slice(0, 100)}".`,
        'Known: kind, namespace, name.',
      );
    }
    query[name] = name === 'namespace' && value === '-' ? '' : value;
  }
  return query;
}

/** With an ETag, so that a page which asks again each second costs nothing while nothing changes. */
function json<T>(context: Context, value: T): Response {
  const text = JSON.stringify(value);
  const etag = `"${createHash('sha256').update(text).digest('base64url')}"`;
  if (context.req.method === 'GET' && context.req.header('If-None-Match') === etag) {
    return context.body(null, 304, { ...securityHeaders(), ETag: etag });
  }
  return context.body(text, 200, { ...jsonHeaders(), ETag: etag });
}

export function jsonHeaders() {
  return { ...securityHeaders(), 'Content-Type': 'application/json; charset=utf-8' };
}
