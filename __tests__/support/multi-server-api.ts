import type { IncomingMessage } from 'node:http';
import {
  clientSecretBasic,
  type Guard,
  type RootSelectingMiddleware,
  type RootTokenIntrospection,
  selectServer,
  type TokenIntrospectionOptions,
  tokenIntrospection,
} from '../../lib/index.js';
import { type App, createApp, get } from './api.js';
import type { Endpoint } from './endpoint.js';

type Select = (req: IncomingMessage, token: string) => unknown;
type ServerOptions = {
  readonly [Name in keyof TokenIntrospectionOptions]?: TokenIntrospectionOptions[Name] | undefined;
};

export interface MultiServerApi extends App {
  readonly authenticate: RootSelectingMiddleware;
  get(token?: string, path?: string): ReturnType<typeof get>;
}

const CLOSING: (() => Promise<void>)[] = [];
const servers = new WeakMap<object, Readonly<Record<string, RootTokenIntrospection>>>();

afterEach(async () => {
  await Promise.all(CLOSING.splice(0).map((close) => close()));
});

/** Chooses by the first letter of the token: one server a letter. */
export const byFirstLetter: Select = (_req, token) => ({ a: 'acme', b: 'beta' })[token[0] ?? ''];

/** Options of a server with this endpoint. */
export function serverOptions({ url }: { readonly url: string }, overrides: ServerOptions = {}): ServerOptions {
  return { endpoint: url, clientAuth: clientSecretBasic('api', 'secret'), audience: false, ...overrides };
}

/** A middleware over several servers, closed after the test. An option of a server replaces the common one unless it is `undefined`. */
export function createMultiServerMiddleware(
  entries: Readonly<Record<string, ServerOptions>>,
  common: ServerOptions = {},
  select: Select = byFirstLetter,
): RootSelectingMiddleware {
  const created: Record<string, RootTokenIntrospection> = Object.create(null);
  for (const [name, options] of Object.entries(entries)) {
    const own = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    created[name] = tokenIntrospection({ ...common, ...own } as TokenIntrospectionOptions);
  }
  const authenticate = selectServer(created, select as () => string);
  servers.set(authenticate, created);
  CLOSING.push(() => authenticate.close());
  return authenticate;
}

/** The middlewares of the servers that `createMultiServerMiddleware()` made. */
export function serversOf(authenticate: RootSelectingMiddleware): Readonly<Record<string, RootTokenIntrospection>> {
  return servers.get(authenticate) ?? {};
}

/** An app behind two servers, `acme` and `beta`. */
export function createMultiServerApi(
  acme: Endpoint,
  beta: Endpoint,
  common: ServerOptions = {},
  select: Select = byFirstLetter,
  ...guards: Guard[]
): MultiServerApi {
  const authenticate = createMultiServerMiddleware(
    { acme: serverOptions(acme), beta: serverOptions(beta) },
    common,
    select,
  );
  const app = createApp(authenticate as never, ...(guards as never[]));
  return { ...app, authenticate, get: (token, path) => get(app, token, path) };
}
