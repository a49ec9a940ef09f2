import { Hono } from 'hono';
import { AdminError, answerOf } from './admin-error.ts';
import { checkHost, checkOrigin, checkToken } from './guard.ts';
import type { AdminHandlers } from './handlers.ts';
import { jsonHeaders, routes } from './routes.ts';

export interface AdminApp {
  /** What a request that changes something must bring. Absent: nothing can be changed. */
  readonly token: string | undefined;
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
    if (token !== undefined && method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS') {
      checkToken(context.req.header('Authorization'), token);
    }
    await next();
  });

  const served = token === undefined ? routes.filter(({ method, asks }) => method === 'GET' || asks === true) : routes;
  for (const { method, path, answer } of served) app.on(method, path, (context) => answer(context, handlers));
  for (const path of new Set(served.map((route) => route.path))) {
    const allowed = served.filter((route) => route.path === path).map((route) => route.method);
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
