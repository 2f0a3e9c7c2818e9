// Compiled, never run. Checks allowed and forbidden options.
import type { NextFunction, Request, Response } from 'express';
import type { Agent } from 'undici';
import {
  type AuthError,
  bearerToken,
  type CacheOptions,
  clientSecretBasic,
  clientSecretPost,
  noClientAuth,
  type PolicyOptions,
  requireAuthentication,
  requireAuthorizationDetails,
  type TokenIntrospectionOptions,
  tokenIntrospection,
} from '../../lib/index.js';

export function acceptsSecretsFromTheEnvironment({ CLIENT_ID, CLIENT_SECRET, TOKEN }: NodeJS.ProcessEnv) {
  return [
    clientSecretBasic('api', CLIENT_SECRET),
    clientSecretBasic(CLIENT_ID, CLIENT_SECRET, { encode: false, allowEmptySecret: undefined }),
    clientSecretPost(CLIENT_ID, CLIENT_SECRET),
    bearerToken(TOKEN),
    bearerToken(() => 'token'),
    bearerToken(async () => 'token'),
    noClientAuth(),
  ];
}

export function rejectsSecretsThatAreNoStrings() {
  // @ts-expect-error a secret is a string
  clientSecretBasic('api', 42);
  // @ts-expect-error a secret is a string
  clientSecretPost('api', null);
  // @ts-expect-error a function returns a string
  bearerToken(() => undefined);
}

const required = {
  endpoint: 'https://as.example.com/introspect',
  clientAuth: noClientAuth(),
  audience: false,
} as const;

export function rejectsOptionsWithoutAServer() {
  const { endpoint: _, ...others } = required;
  // @ts-expect-error either `endpoint` or `authorizationServer` is required
  tokenIntrospection(others);
  tokenIntrospection({ ...others, authorizationServer: 'https://as.example.com' });
  tokenIntrospection({ ...others, endpoint: undefined, authorizationServer: 'https://as.example.com' });
}

export function acceptsOptionsThatReplaceOthers(overrides: Partial<TokenIntrospectionOptions>) {
  const middleware: ReturnType<typeof tokenIntrospection> = tokenIntrospection({ ...required, ...overrides });
  return middleware.introspect;
}

export function acceptsTheExampleOfTheContract(secret: string | undefined) {
  return tokenIntrospection({
    endpoint: new URL('https://as.example.com/oauth2/introspect'),
    clientAuth: clientSecretBasic('reports-api', secret),
    audience: 'https://api.example.com',
  });
}

export const acceptsUndefinedForOmitted = {
  ...required,
  requestFormat: undefined,
  tokenParameter: undefined,
  parameters: undefined,
  headers: undefined,
  normalizeResponse: undefined,
  issuer: undefined,
  scopes: undefined,
  claims: undefined,
  allowRefreshTokens: undefined,
  clockToleranceSeconds: undefined,
  optional: undefined,
  tokenFromBody: undefined,
  realm: undefined,
  resourceMetadata: undefined,
  dangerouslyAllowHttp: undefined,
  cache: undefined,
  timeoutMs: undefined,
  dispatcher: undefined,
  clock: undefined,
} satisfies TokenIntrospectionOptions;

export const acceptsUndefinedFunctionsForOmitted = {
  ...required,
  getToken: undefined,
  onReject: undefined,
} satisfies TokenIntrospectionOptions;

export const acceptsUndefinedCacheMembers = {
  ttlSeconds: undefined,
  inactiveTtlSeconds: undefined,
  staleIfErrorSeconds: undefined,
  refreshAhead: undefined,
  store: undefined,
  secrets: undefined,
  namespace: undefined,
  maxEntries: undefined,
} satisfies CacheOptions;

export const acceptsUndefinedPolicyOptions = {
  audience: undefined,
  issuer: undefined,
  scopes: undefined,
} satisfies PolicyOptions;

export const acceptsReadonlyLists = {
  ...required,
  audience: Object.freeze(['a', 'b']),
  scopes: Object.freeze(['read']),
} satisfies TokenIntrospectionOptions;

export const acceptsAnyUndiciDispatcher = (dispatcher: Agent) =>
  ({ ...required, dispatcher }) satisfies TokenIntrospectionOptions;

export const acceptsExpressTypesInOnReject = {
  ...required,
  onReject(error: AuthError, _req: Request, res: Response, next: NextFunction) {
    if (error.status === 403) res.status(403).json({ code: error.code, reason: error.reason });
    else next(error);
  },
} satisfies TokenIntrospectionOptions;

export const acceptsAnArrowWithExpressTypesInOnReject = {
  ...required,
  onReject: async (_error: AuthError, req: Request, res: Response) => void res.redirect(`/login?to=${req.originalUrl}`),
} satisfies TokenIntrospectionOptions;

export const acceptsExpressTypesInGetToken = {
  ...required,
  getToken: (req: Request) => req.cookies.session,
} satisfies TokenIntrospectionOptions;

export const infersTheArgumentsOfOnReject = {
  ...required,
  onReject(error, req, res, next) {
    const url: string | undefined = req.url;
    res.setHeader('X-Refused', url ?? '');
    next(error.reason === 'inactive' ? new Error('inactive') : error);
  },
} satisfies TokenIntrospectionOptions;

export function rejectsMissingAndMisspelledOptions() {
  // @ts-expect-error "audience" is required
  tokenIntrospection({ endpoint: required.endpoint, clientAuth: required.clientAuth });
  // @ts-expect-error "clientAuth" is required
  tokenIntrospection({ endpoint: required.endpoint, audience: false });
  // @ts-expect-error an issuer identifier is compared as text
  tokenIntrospection({ ...required, endpoint: undefined, authorizationServer: new URL('https://as.example.com') });
  // @ts-expect-error "audience" cannot be undefined
  tokenIntrospection({ ...required, audience: undefined });
  // @ts-expect-error `true` is not an audience
  tokenIntrospection({ ...required, audience: true });
  // @ts-expect-error it is called "scopes"
  tokenIntrospection({ ...required, scope: 'read' });
  // @ts-expect-error it is a list
  tokenIntrospection({ ...required, scopes: 'read' });
  // @ts-expect-error the name must contain the unit
  tokenIntrospection({ ...required, cache: { ttl: 60 } });
  // @ts-expect-error `true` does not mean "on"
  tokenIntrospection({ ...required, cache: true });
  // @ts-expect-error synchronous
  tokenIntrospection({ ...required, getToken: async () => 'token' });
  // @ts-expect-error the endpoint is not an option of with()
  tokenIntrospection(required).with({ endpoint: 'https://elsewhere.example' });
  const derived = tokenIntrospection(required).with({ scopes: ['admin'] });
  // @ts-expect-error only the root middleware has close()
  derived.close();
}

const store = { setIfAbsent: async (_key: string, _ttlMs: number) => true };

export function acceptsSenderConstraints(secret: string | undefined) {
  return [
    tokenIntrospection({ ...required, dpop: true, mtls: true, satisfiesScope: undefined }),
    tokenIntrospection({ ...required, dpop: { origin: 'https://api.example.com', replayStore: store } }),
    tokenIntrospection({ ...required, dpop: { origin: (req: Request) => req.get('x-origin'), nonce: true } }),
    tokenIntrospection({ ...required, dpop: { nonce: { secrets: [secret] }, algorithms: ['ES256'] } }),
    tokenIntrospection({ ...required, mtls: { certificate: (req: Request) => req.get('client-cert') } }),
    tokenIntrospection({ ...required, mtls: { certificate: () => Buffer.of() } }).with({ dpop: false, mtls: false }),
    tokenIntrospection({ ...required, satisfiesScope: (granted, scope) => granted.includes(scope) }),
    requireAuthentication({ acrValues: ['gold'], maxAgeSeconds: undefined }),
    requireAuthorizationDetails('payment', ({ type, amount }) => type === amount),
  ];
}

export function rejectsInvalidSenderConstraints() {
  // @ts-expect-error the origin function is synchronous
  tokenIntrospection({ ...required, dpop: { origin: async () => 'https://api.example.com' } });
  // @ts-expect-error it has no such member
  tokenIntrospection({ ...required, dpop: { maxAge: 60 } });
  // @ts-expect-error the certificate function is synchronous
  tokenIntrospection({ ...required, mtls: { certificate: async () => 'PEM' } });
  // @ts-expect-error it takes a function
  tokenIntrospection({ ...required, mtls: {} });
  // @ts-expect-error a predicate is synchronous
  tokenIntrospection({ ...required, satisfiesScope: async () => true });
  // @ts-expect-error it has no such member
  requireAuthentication({ acrValues: ['gold'], maxAge: 300 });
  // @ts-expect-error a predicate is synchronous
  requireAuthorizationDetails('payment', async () => true);
}
