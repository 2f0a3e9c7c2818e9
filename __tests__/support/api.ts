import express, { type Express } from 'express';
import request, { type Test } from 'supertest';
import { clientSecretBasic, type Guard, type TokenIntrospectionOptions, tokenIntrospection } from '../../lib/index.js';

export interface Api {
  readonly app: Express;
  readonly authenticate: ReturnType<typeof tokenIntrospection>;
  /** Errors that reached the app's error handling. */
  readonly errors: unknown[];
  /** How often the protected handler ran. */
  reached(): number;
  /** GET of the protected route, with a bearer token if one is given. */
  get(token?: string): Test;
}

const CLOSING: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(CLOSING.splice(0).map((close) => close()));
});

/** An Express 5 app whose route `/` is behind the middleware and the guards, and answers with `req.auth`. */
export function createApi(
  endpoint: { readonly url: string },
  options: Partial<TokenIntrospectionOptions> = {},
  ...guards: Guard[]
): Api {
  const authenticate = tokenIntrospection({
    endpoint: endpoint.url,
    clientAuth: clientSecretBasic('api', 'secret'),
    audience: false,
    ...options,
  });
  CLOSING.push(() => authenticate.close());
  const errors: unknown[] = [];
  let reached = 0;
  const app = express();
  app.disable('x-powered-by');
  app.set('env', 'test');
  app.use(authenticate, ...guards, (req, res) => {
    reached++;
    res.json({ auth: (req as { auth?: unknown }).auth ?? null });
  });
  app.use(((error, _req, _res, next) => {
    errors.push(error);
    next(error);
  }) as express.ErrorRequestHandler);
  return {
    app,
    authenticate,
    errors,
    reached: () => reached,
    get(token) {
      const test = request(app).get('/');
      return token === undefined ? test : test.set('Authorization', `Bearer ${token}`);
    },
  };
}
