// Compiled, never run: several authorization servers.
import connect from 'connect';
import express, { type Request, type RequestHandler } from 'express';
import { z } from 'zod';
import {
  type Auth,
  type AuthorizationServerOptions,
  getAuth,
  noClientAuth,
  revocationEndpoint,
  type SeveralServersOptions,
  tokenIntrospection,
} from '../../lib/index.js';
import { byHost, byIssuer, byPathSegment, byTokenPrefix } from '../../lib/selectors/index.js';

/** Whether two types are the same, `any` and readonly included. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

const server = { endpoint: 'https://as.example.com/introspect', clientAuth: noClientAuth(), audience: false } as const;
const Tenancy = z.object({ plan: z.literal('free'), tenant: z.string() });
const Region = z.object({ plan: z.literal('paid'), region: z.number() });

const authenticate = tokenIntrospection({
  authorizationServers: { acme: server, beta: { ...server, audience: undefined } },
  audience: 'https://api.example.com',
  select: (req, token) => (req.url?.startsWith('/acme') && token !== '' ? 'acme' : undefined),
});

const typed = tokenIntrospection({
  authorizationServers: { acme: { ...server, claims: Tenancy }, beta: server },
  claims: Region,
  select: byHost({ 'acme.example.com': 'acme' }),
});

export const areRequestHandlers = [authenticate, authenticate.with({ scopes: ['admin'] })] satisfies RequestHandler[];

export function areMounted() {
  express().use('/api', authenticate, authenticate.with({ optional: true }));
  return connect().use(authenticate);
}

export const acceptsReadySelectors = () => [
  tokenIntrospection({ authorizationServers: { acme: server }, select: byHost({ 'a.example': 'acme' }) }),
  tokenIntrospection({ authorizationServers: { acme: server }, select: byPathSegment({ acme: 'acme' }, { index: 1 }) }),
  tokenIntrospection({ authorizationServers: { acme: server }, select: byTokenPrefix({ acme_: 'acme' }) }),
  tokenIntrospection({ authorizationServers: { acme: server }, select: byIssuer({ 'https://a.example': 'acme' }) }),
  tokenIntrospection({
    authorizationServers: { acme: server },
    select: byHost({ 'a.example': 'acme' }, { host: (req: Request) => req.hostname }),
  }),
  tokenIntrospection({
    authorizationServers: { acme: server },
    select: (req: Request) => (req.path === '/' ? 'acme' : undefined),
  }),
];

export function acceptsServersThatAreKnownLater(
  servers: Record<string, AuthorizationServerOptions>,
  nameOf: (req: Request) => string | undefined,
) {
  const later = tokenIntrospection({ authorizationServers: servers, select: nameOf });
  const options: SeveralServersOptions = { authorizationServers: servers, select: () => 'acme' };
  return [later.servers.acme?.stats(), tokenIntrospection(options)];
}

export function refusesWhatIsMissingOrMisplaced() {
  const authorizationServers = { acme: server };
  const select = () => 'acme' as const;
  // @ts-expect-error "select" is required
  tokenIntrospection({ authorizationServers });
  // @ts-expect-error nobody is called that
  tokenIntrospection({ authorizationServers, select: () => 'beta' });
  // @ts-expect-error nobody is called that
  tokenIntrospection({ authorizationServers, select: byTokenPrefix({ beta_: 'beta' }) });
  // @ts-expect-error synchronous
  tokenIntrospection({ authorizationServers, select: async () => 'acme' as const });
  // @ts-expect-error each has its own
  tokenIntrospection({ authorizationServers, select, endpoint: server.endpoint });
  // @ts-expect-error each has its own
  tokenIntrospection({ authorizationServers, select, issuer: 'https://as.example.com' });
  // @ts-expect-error a request is read in one way
  tokenIntrospection({ authorizationServers: { acme: { ...server, getToken: () => 'a' } }, select });
  // @ts-expect-error a request is read in one way
  tokenIntrospection({ authorizationServers: { acme: { ...server, dpop: true } }, select });
  // @ts-expect-error which server?
  authenticate.introspect('token');
  // @ts-expect-error nobody is called that
  authenticate.servers.gamma.introspect('token');
  // @ts-expect-error it is no middleware
  express().use(authenticate.servers.acme);
  // @ts-expect-error who they are is not a demand
  authenticate.with({ issuer: 'https://as.example.com' });
  // @ts-expect-error only the root closes
  authenticate.with({}).close();
}

export function knowsTheClaimsOfWhoeverJudged(req: Request) {
  true satisfies Same<ReturnType<typeof authOfPlain>, Auth>;
  const auth = getAuth(req, typed);
  if (auth.plan === 'free') true satisfies Same<typeof auth.tenant, string>;
  else true satisfies Same<typeof auth.region, number>;
  const { tenant } = getAuth(req, typed.servers.acme);
  true satisfies Same<typeof tenant, string>;
  const { region } = getAuth(req, typed.servers.beta);
  true satisfies Same<typeof region, number>;
  // @ts-expect-error acme says nothing of it
  getAuth(req, typed.servers.acme).region satisfies number;
}

const authOfPlain = (req: Request) => getAuth(req, authenticate);

export function inheritsTheSchemasUnlessAnotherIsGiven(req: Request) {
  const { tenant } = getAuth(req, typed.with({ scopes: ['admin'] }).servers.acme);
  true satisfies Same<typeof tenant, string>;
  const { level } = getAuth(req, typed.with({ claims: z.object({ level: z.boolean() }) }));
  true satisfies Same<typeof level, boolean>;
}

export async function introspectsAndReportsByName() {
  const { tenant } = await typed.servers.acme.introspect('token');
  true satisfies Same<typeof tenant, string>;
  const { acme, beta } = await authenticate.verifyConfiguration();
  return [acme.ok, beta.ok];
}

export const tellsAllOrOne = (secret: string) => [
  revocationEndpoint({ authenticate, secret }),
  revocationEndpoint({ authenticate: [authenticate.servers.acme, authenticate.servers.beta], secret }),
];
