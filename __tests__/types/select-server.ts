// Compiled, never run: several authorization servers.
import connect from 'connect';
import express, { type Request, type RequestHandler } from 'express';
import { z } from 'zod';
import {
  type Auth,
  getAuth,
  noClientAuth,
  type RootTokenIntrospection,
  selectServer,
  tokenIntrospection,
} from '../../lib/index.js';
import { byHost, byIssuer, byPathSegment, byTokenPrefix } from '../../lib/selectors/index.js';
import {
  backChannelLogout,
  globalTokenRevocation,
  invalidationEndpoint,
  pollSecurityEvents,
  securityEvents,
} from '../../lib/signals/index.js';
import { getSocketAuth, type ServerSocket } from '../../lib/websocket/index.js';

/** Whether two types are the same, `any` and readonly included. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

const options = { endpoint: 'https://as.example.com/introspect', clientAuth: noClientAuth(), audience: false } as const;
const Tenancy = z.object({ plan: z.literal('free'), tenant: z.string() });
const Region = z.object({ plan: z.literal('paid'), region: z.number() });

const acme = tokenIntrospection(options);
const beta = tokenIntrospection({ ...options, audience: 'https://api.example.com' });
const authenticate = selectServer({ acme, beta }, (req, token) =>
  req.url?.startsWith('/acme') && token !== '' ? 'acme' : undefined,
);

const tenancy = tokenIntrospection({ ...options, claims: Tenancy });
const region = tokenIntrospection({ ...options, claims: Region });
const typed = selectServer({ tenancy, region }, byHost({ 'acme.example.com': 'tenancy' }));

export const areRequestHandlers = [authenticate, authenticate.with({ scopes: ['admin'] })] satisfies RequestHandler[];

export function areMounted() {
  express().use('/api', authenticate, authenticate.with({ optional: true }));
  return connect().use(authenticate);
}

export const acceptsReadySelectors = () => [
  selectServer({ acme }, byHost({ 'a.example': 'acme' })),
  selectServer({ acme }, byPathSegment({ acme: 'acme' }, { index: 1 })),
  selectServer({ acme }, byTokenPrefix({ acme_: 'acme' })),
  selectServer({ acme }, byIssuer({ 'https://a.example': 'acme' })),
  selectServer({ acme }, byHost({ 'a.example': 'acme' }, { host: (req: Request) => req.hostname })),
  selectServer({ acme }, (req: Request) => (req.path === '/' ? 'acme' : undefined)),
];

export function acceptsServersWithoutKnownNames(
  servers: Record<string, RootTokenIntrospection>,
  nameOf: (req: Request) => string | undefined,
) {
  return selectServer(servers, nameOf).stats();
}

export function rejectsMissingAndMisplacedArguments() {
  // @ts-expect-error a function is required
  selectServer({ acme });
  // @ts-expect-error no server has this name
  selectServer({ acme }, () => 'beta');
  // @ts-expect-error no server has this name
  selectServer({ acme }, byTokenPrefix({ beta_: 'beta' }));
  // @ts-expect-error it must be synchronous
  selectServer({ acme }, async () => 'acme' as const);
  // @ts-expect-error options are no middleware
  selectServer({ acme: options }, () => 'acme');
  // @ts-expect-error a derived middleware cannot be closed
  selectServer({ acme: acme.with({}) }, () => 'acme');
  // @ts-expect-error the server of the token is not known
  authenticate.introspect('token');
  // @ts-expect-error only the first middleware can be closed
  authenticate.with({}).close();
}

export function typesTheClaimsOfTheServers(req: Request) {
  true satisfies Same<ReturnType<typeof authOfPlain>, Auth>;
  const auth = getAuth(req, typed);
  if (auth.plan === 'free') true satisfies Same<typeof auth.tenant, string>;
  else true satisfies Same<typeof auth.region, number>;
  const { tenant } = getAuth(req, tenancy);
  true satisfies Same<typeof tenant, string>;
  // @ts-expect-error this server does not send the claim
  getAuth(req, tenancy).region satisfies number;
}

const authOfPlain = (req: Request) => getAuth(req, authenticate);

export function inheritsTheSchemasUnlessTheyAreReplaced(req: Request) {
  const auth = getAuth(req, typed.with({ scopes: ['admin'] }));
  if (auth.plan === 'free') true satisfies Same<typeof auth.tenant, string>;
  const { level } = getAuth(req, typed.with({ claims: z.object({ level: z.boolean() }) }));
  true satisfies Same<typeof level, boolean>;
}

export async function reportsByName() {
  const reports = await authenticate.verifyConfiguration();
  return [reports.acme.ok, reports.beta.ok];
}

export const invalidatesAtAllOrAtOne = (secret: string) => [
  invalidationEndpoint({ authenticate, secret }),
  invalidationEndpoint({ authenticate: [acme, beta], secret }),
];

const signals = { issuer: 'https://as.example.com', audience: 'app' };

export const receivesSignalsForAllOrForOne = () => [
  backChannelLogout({ ...signals, authenticate, scope: 'session' }),
  backChannelLogout({ ...signals, authenticate: [acme, beta], keys: { keys: [] } }),
  securityEvents({ ...signals, authenticate: acme.with({}), subject: ({ email }) => ({ sub: String(email) }) }),
  globalTokenRevocation({ ...signals, authenticate: acme, subject: async () => undefined }),
  pollSecurityEvents({ ...signals, authenticate: beta, endpoint: new URL('https://a.test'), token: async () => 'a' }),
  // @ts-expect-error an issuer is required
  backChannelLogout({ authenticate, audience: 'app' }),
  // @ts-expect-error logout tokens name their subject by claims
  backChannelLogout({ ...signals, authenticate, subject: () => undefined }),
  // @ts-expect-error the claim does not exist
  securityEvents({ ...signals, authenticate, subject: () => ({ email: 'a' }) }),
];

export const typesTheClaimsOfASocket = (socket: ServerSocket) => [
  getSocketAuth(socket, authenticate) satisfies Auth,
  getSocketAuth(socket, typed).plan satisfies 'free' | 'paid',
  getSocketAuth(socket, region).region satisfies number,
];
