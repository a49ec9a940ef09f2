import { Hono } from 'hono';
import { AdminError, answerOf } from './admin-error.ts';
import { checkHost, checkOrigin, checkToken } from './guard.ts';
import type { AdminHandlers } from './handlers.ts';
import { jsonHeaders, routes } from './routes.ts';

export interface AdminApp {
  readonly token: string;
  readonly handlers: AdminHandlers;
  /** An error that is not the caller's fault. */
  readonly onFault: (error: unknown) => void;
}

export function createAdminApp({ token, handlers, onFault }: AdminApp): Hono {
  const app = new Hono();

  app.use('*', async (context, next) => {
    const host = context.req.header('Host');
    checkHost(host);
    checkOrigin(context.req.header('Origin'), host ?? '');
    const { method } = context.req;
    if (method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS') {
      checkToken(context.req.header('Authorization'), token);
    }
    await next();
  });

  for (const { method, path, answer } of routes) app.on(method, path, (context) => answer(context, handlers));
  for (const path of new Set(routes.map((route) => route.path))) {
    const allowed = routes.filter((route) => route.path === path).map((route) => route.method);
    app.all(path, (context) => {
      context.header('Allow', allowed.join(', '));
      throw new AdminError(
        405,
        'LAT0545',
        `${context.req.method} is not possible here.`,
        `Use ${allowed.join(' or ')}.`,
      );
    });
  }

  app.notFound(() => {
    throw new AdminError(404, 'LAT0544', 'There is nothing at this path.', 'The admin API begins at /api/v1/status.');
  });
  app.onError((error, context) => {
    const { status, body, fault } = answerOf(error);
    if (fault) onFault(error);
    // A body that was refused is not read to its end: the connection cannot serve another request.
    const close = status === 413 ? { Connection: 'close' } : undefined;
    const challenge = status === 401 ? { 'WWW-Authenticate': 'Bearer' } : undefined;
    return context.body(JSON.stringify(body), status, { ...jsonHeaders(), ...close, ...challenge });
  });
  return app;
}
