import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import connect from 'connect';
import express from 'express';
import express4 from 'express4';
import type { Guard, TokenIntrospection } from '../../lib/index.js';

type Handler = (req: IncomingMessage & { auth?: unknown }, res: ServerResponse) => void;

/** Creates a listener of one framework that runs the middlewares in order and then the handler. */
export type Host = (middlewares: readonly (TokenIntrospection | Guard)[], handler: Handler) => RequestListener;

/** The frameworks and servers that can use the middleware. */
export const HOSTS: readonly (readonly [name: string, host: Host])[] = [
  ['Express 5', (middlewares, handler) => express().use(...(middlewares as [Guard]), handler as never)],
  [
    'Express 4',
    (middlewares, handler) => express4().use(...(middlewares as [Guard]), handler as never) as RequestListener,
  ],
  [
    'Connect',
    (middlewares, handler) => {
      const app = connect();
      for (const middleware of middlewares) app.use(middleware as never);
      return app.use(handler as never) as RequestListener;
    },
  ],
  [
    'node:http',
    (middlewares, handler) => (req, res) => {
      const run = (index: number): void => {
        const middleware = middlewares[index];
        if (middleware === undefined) handler(req, res);
        else middleware(req, res, (error) => (error === undefined ? run(index + 1) : fail(res, error)));
      };
      run(0);
    },
  ],
];

/** Error handling of a plain server: it uses the error's status and headers. */
function fail(res: ServerResponse, error: unknown): void {
  const { status = 500, headers = {} } = error as { status?: number; headers?: Record<string, string> };
  res.writeHead(status, headers).end();
}

/** Responds with `req.auth` as JSON. */
export const echoAuth: Handler = (req, res) => {
  res.setHeader('content-type', 'application/json').end(JSON.stringify({ auth: req.auth ?? null }));
};
