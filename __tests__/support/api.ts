import express, { type Express } from 'express';
import request, { type Test } from 'supertest';
import {
  clientSecretBasic,
  type Guard,
  type RootTokenIntrospection,
  type TokenIntrospectionOptions,
  tokenIntrospection,
} from '../../lib/index.js';

export interface App {
  readonly app: Express;
  /** Errors that reached the app's error handling. */
  readonly errors: unknown[];
  /** Number of calls of the protected handler. */
  reached(): number;
}

export interface Api extends App {
  readonly authenticate: RootTokenIntrospection;
  /** GET of the protected route, with a bearer token if given. */
  get(token?: string): Test;
}

const CLOSING: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(CLOSING.splice(0).map((close) => close()));
});

/** The middleware with a scripted endpoint. It is closed after the test. */
export function createAuthenticate<Claims = unknown>(
  endpoint: { readonly url: string },
  options: Partial<TokenIntrospectionOptions<Claims>> = {},
): RootTokenIntrospection<Claims> {
  const authenticate = tokenIntrospection<Claims>({
    endpoint: endpoint.url,
    clientAuth: clientSecretBasic('api', 'secret'),
    audience: false,
    ...options,
  });
  CLOSING.push(() => authenticate.close());
  return authenticate;
}

/** An Express 5 app that runs the middlewares in order and responds to every request with `req.auth`. */
export function createApp(...middlewares: express.RequestHandler[]): App {
  const errors: unknown[] = [];
  let reached = 0;
  const app = express();
  app.disable('x-powered-by');
  app.set('env', 'test');
  app.use(...middlewares, (req, res) => {
    reached++;
    res.json({ auth: (req as { auth?: unknown }).auth ?? null });
  });
  app.use(((error, _req, _res, next) => {
    errors.push(error);
    next(error);
  }) as express.ErrorRequestHandler);
  return { app, errors, reached: () => reached };
}

/** An Express 5 app whose route `/` uses the middleware and the guards, and responds with `req.auth`. */
export function createApi(
  endpoint: { readonly url: string },
  options: Partial<TokenIntrospectionOptions> = {},
  ...guards: Guard[]
): Api {
  const authenticate = createAuthenticate(endpoint, options);
  const app = createApp(authenticate, ...guards);
  return { ...app, authenticate, get: (token) => get(app, token) };
}

/** GET of a path of an app, with a bearer token if given. */
export function get({ app }: { readonly app: Express }, token?: string, path = '/'): Test {
  const test = request(app).get(path);
  return token === undefined ? test : test.set('Authorization', `Bearer ${token}`);
}
