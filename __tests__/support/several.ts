import type { IncomingMessage } from 'node:http';
import {
  type AuthorizationServerOptions,
  clientSecretBasic,
  type Guard,
  type RootSeveralServers,
  type SeveralServersOptions,
  tokenIntrospection,
} from '../../lib/index.js';
import { type App, createApp, get } from './api.js';
import type { Endpoint } from './endpoint.js';

type Select = (req: IncomingMessage, token: string) => unknown;

/** Options beside the servers, allowed or not. */
export type Common = Omit<Partial<SeveralServersOptions>, 'select' | 'authorizationServers'>;

export interface SeveralApi extends App {
  readonly authenticate: RootSeveralServers;
  get(token?: string, path?: string): ReturnType<typeof get>;
}

const CLOSING: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(CLOSING.splice(0).map((close) => close()));
});

/** Selects a server by the first letter of the token. */
export const byFirstLetter: Select = (_req, token) => ({ a: 'acme', b: 'beta' })[token[0] ?? ''];

/** An entry for a server, with its endpoint and other options. */
export function entry({ url }: { readonly url: string }, more: AuthorizationServerOptions | object = {}) {
  return { endpoint: url, clientAuth: clientSecretBasic('api', 'secret'), audience: false, ...more } as const;
}

/** The middleware with several servers. It is closed after the test. */
export function createSeveral(
  authorizationServers: Readonly<Record<string, AuthorizationServerOptions>>,
  common: Common = {},
  select: Select = byFirstLetter,
): RootSeveralServers {
  const options = { authorizationServers, select, ...common } as SeveralServersOptions;
  const authenticate = tokenIntrospection(options);
  CLOSING.push(() => authenticate.close());
  return authenticate;
}

/** An app with two authorization servers, `acme` and `beta`. */
export function createSeveralApi(
  acme: Endpoint,
  beta: Endpoint,
  common: Common = {},
  select: Select = byFirstLetter,
  ...guards: Guard[]
): SeveralApi {
  const authenticate = createSeveral({ acme: entry(acme), beta: entry(beta) }, common, select);
  const app = createApp(authenticate as never, ...(guards as never[]));
  return { ...app, authenticate, get: (token, path) => get(app, token, path) };
}
