import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { errors, type KoaContextWithOIDC, Provider } from 'oidc-provider';
import { verifyTokenRequestProof } from './dpop-proof.mjs';
import { startRestartableServer } from './restartable-server.mjs';

/** An authorization server (oidc-provider) on loopback, with opaque tokens, introspection and revocation. */
export interface AuthorizationServer {
  readonly issuer: string;
  readonly introspectionEndpoint: string;
  readonly revocationEndpoint: string;
  readonly tokenEndpoint: string;
  /** The client credentials of the API, for introspection requests. */
  readonly resourceServer: Credentials;
  /** The client that tokens are issued to. */
  readonly client: Credentials;
  readonly isRunning: boolean;
  /** Milliseconds by which every response is delayed. Default 0. */
  delayMs: number;
  /** @throws TokenRequestError when the server rejects the request, and the error of `fetch` when it does not respond */
  issue(request: TokenRequest): Promise<IssuedToken>;
  revoke(token: string): Promise<void>;
  /**
   * Ends all tokens of a subject that {@link AuthorizationServer.issue} has issued. Then it sends a logout token to `logoutUrl`, if that is set
   * (OpenID Connect Back-Channel Logout 1.0). Resolves when the receiver has responded.
   */
  logOut(subject: string): Promise<void>;
  /** Back-channel logout URL of `client`. Default: none. */
  logoutUrl: string | undefined;
  /** Sends an introspection request (RFC 7662) with the API's credentials. Resolves with the response body as text. */
  introspect(token: string): Promise<string>;
  /** Drops every connection and accepts no others. Issued tokens are kept. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export interface Credentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface TokenRequest {
  readonly subject: string;
  readonly scope: string;
  readonly ttlSeconds?: number;
  /** The API or MCP server that the token is for. Default: the API. */
  readonly resource?: string;
  /** A DPoP proof for a POST to the token endpoint. The token is bound to the key of the proof. */
  readonly dpopProof?: string | undefined;
}

export interface IssuedToken {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
  readonly token_type: 'Bearer' | 'DPoP';
  readonly scope: string;
}

/** An endpoint of the authorization server responded with an error. */
export class TokenRequestError extends Error {
  override readonly name = 'TokenRequestError';
}

export const AUDIENCE = 'urn:example:reports-api';
export const SCOPES = ['profile:read', 'reports:read', 'payments:write', 'admin'];

/** Path and scopes of the MCP server, which runs in the same process as the API. Its audience is its URL. */
export const MCP_PATH = '/mcp';
export const MCP_SCOPES = ['files:read', 'files:write'];

/** A custom grant type: a client with the right secret can get a token for any subject. Never do this in production. */
export const SUBJECT_GRANT = 'urn:example:grant-type:subject';

const DEFAULT_TTL_SECONDS = 3600;
/** Seconds for which a used proof is kept, so that it cannot be replayed. */
const USED_PROOF_SECONDS = 300;

/** Starts the authorization server on this port. Port 0 takes a free one. */
export async function createAuthorizationServer(port = 0): Promise<AuthorizationServer> {
  const client = credentials('reports-app');
  const resourceServer = credentials('reports-api');
  const server = await startRestartableServer(port);
  const issuer = server.origin;
  const tokenEndpoint = `${issuer}/token`;
  const revocationEndpoint = `${issuer}/token/revocation`;
  const introspectionEndpoint = `${issuer}/token/introspection`;
  const grants = new Map<string, Set<string>>();
  const provider = createProvider(issuer, client, resourceServer, grants);
  server.setListener(provider.callback());
  let logoutUrl: string | undefined;

  return {
    issuer,
    introspectionEndpoint,
    revocationEndpoint,
    tokenEndpoint,
    resourceServer,
    client,
    get isRunning() {
      return server.isListening;
    },
    get delayMs() {
      return server.delayMs;
    },
    set delayMs(ms) {
      server.delayMs = ms;
    },
    issue: (request) => issueToken(tokenEndpoint, client, request),
    revoke: async (token) => void (await post(revocationEndpoint, client, { token })),
    get logoutUrl() {
      return logoutUrl;
    },
    set logoutUrl(url) {
      logoutUrl = url;
    },
    async logOut(subject) {
      for (const grantId of grants.get(subject) ?? []) {
        await Promise.all([
          provider.AccessToken.revokeByGrantId(grantId),
          provider.RefreshToken.revokeByGrantId(grantId),
        ]);
      }
      grants.delete(subject);
      if (logoutUrl !== undefined) await sendLogoutToken(provider, client.clientId, subject, logoutUrl);
    },
    introspect: async (token) => (await post(introspectionEndpoint, resourceServer, { token })).text(),
    stop: server.stop,
    start: server.start,
  };
}

function createProvider(
  issuer: string,
  client: Credentials,
  resourceServer: Credentials,
  grants: Map<string, Set<string>>,
): Provider {
  const provider = new Provider(issuer, {
    clients: [
      registration(client, [SUBJECT_GRANT, 'client_credentials', 'refresh_token']),
      registration(resourceServer, ['client_credentials']),
    ],
    // MCP clients register only the scopes that they need first. Without this, they could not request others later.
    extraClientMetadata: {
      properties: ['scope'],
      validator: (_ctx, _name, _value, metadata) => void Reflect.deleteProperty(metadata, 'scope'),
    },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    scopes: [...SCOPES, ...MCP_SCOPES],
    // Allows MCP clients in browsers, such as the MCP Inspector.
    clientBasedCORS: () => true,
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    jwks: { keys: [{ ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }) }] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    // Allows logout URLs on loopback, which the dispatcher of oidc-provider refuses.
    fetch: (url, options) => fetch(url, { ...options, dispatcher: undefined } as unknown as RequestInit),
    features: {
      backchannelLogout: { enabled: true },
      // MCP clients register themselves, and users log in under any name without a password. Never do this in production.
      devInteractions: { enabled: true },
      registration: { enabled: true },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true, allowedPolicy: (_ctx, { clientId }, token) => token.clientId === clientId },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, resource) => resourceServerInfo(DEFAULT_TTL_SECONDS, resource),
      },
    },
    ttl: {
      AccessToken: (_ctx, { resourceServer }) => resourceServer?.accessTokenTTL ?? DEFAULT_TTL_SECONDS,
      ClientCredentials: DEFAULT_TTL_SECONDS,
      RefreshToken: 86_400,
      Grant: 86_400,
    },
    findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  });
  registerSubjectGrant(provider, grants);
  return provider;
}

/** The part of oidc-provider's client that sends logout tokens. */
interface LogoutClient {
  backchannelLogoutUri?: string;
  backchannelLogout(subject: string): Promise<void>;
}

/** Sends what oidc-provider sends when a session ends. Tokens of the custom grant type have no session. */
async function sendLogoutToken(provider: Provider, clientId: string, subject: string, url: string): Promise<void> {
  const client = (await provider.Client.find(clientId)) as unknown as LogoutClient;
  client.backchannelLogoutUri = url;
  await client.backchannelLogout(subject);
}

/** @param grants receives the identifier of each grant, by its subject */
function registerSubjectGrant(provider: Provider, grants: Map<string, Set<string>>): void {
  provider.registerGrantType(
    SUBJECT_GRANT,
    async (ctx) => {
      const { client, params } = ctx.oidc;
      const { subject: accountId, scope, ttl, resource = AUDIENCE } = params as Record<string, string | undefined>;
      if (client === undefined || accountId === undefined || scope === undefined) {
        throw new errors.InvalidRequest('subject and scope are required');
      }
      const grant = new provider.Grant({ accountId, clientId: client.clientId });
      grant.addResourceScope(resource, scope);
      const grantId = await grant.save();
      grants.set(accountId, (grants.get(accountId) ?? new Set()).add(grantId));
      const common = { accountId, client, grantId, scope, gty: SUBJECT_GRANT };
      const access = new provider.AccessToken({ ...common, claims: {} } as never);
      const jkt = await thumbprintOfProof(ctx, provider, client.clientId);
      if (jkt !== undefined) access.setThumbprint('jkt', jkt);
      access.resourceServer = new provider.ResourceServer(
        resource,
        resourceServerInfo(Number(ttl ?? DEFAULT_TTL_SECONDS), resource),
      );
      const refresh = new provider.RefreshToken({ ...common, resource } as never);
      ctx.body = {
        access_token: await access.save(),
        refresh_token: await refresh.save(),
        expires_in: access.expiration,
        token_type: access.tokenType,
        scope,
      };
    },
    ['subject', 'scope', 'ttl', 'resource'],
  );
}

/** Thumbprint of the DPoP key that the token is bound to. `undefined` for a bearer token, sent without a proof. */
async function thumbprintOfProof(
  ctx: KoaContextWithOIDC,
  provider: Provider,
  clientId: string,
): Promise<string | undefined> {
  const proof = ctx.get('DPoP');
  if (proof === '') return undefined;
  const verified = await verifyTokenRequestProof(proof, `${provider.issuer}/token`).catch(() => undefined);
  const expiresAt = Math.floor(Date.now() / 1000) + USED_PROOF_SECONDS;
  const isValid = verified && (await provider.ReplayDetection.unique(clientId, verified.jti, expiresAt));
  if (!isValid) throw new errors.InvalidDpopProof('send one unused proof, made for this request in the last minute');
  return verified.jkt;
}

async function issueToken(endpoint: string, client: Credentials, request: TokenRequest): Promise<IssuedToken> {
  const response = await post(
    endpoint,
    client,
    {
      grant_type: SUBJECT_GRANT,
      subject: request.subject,
      scope: request.scope,
      ...(request.ttlSeconds !== undefined && { ttl: String(request.ttlSeconds) }),
      ...(request.resource !== undefined && { resource: request.resource }),
    },
    request.dpopProof === undefined ? {} : { dpop: request.dpopProof },
  );
  return (await response.json()) as IssuedToken;
}

async function post(
  endpoint: string,
  { clientId, clientSecret }: Credentials,
  form: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Response> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}`, ...headers },
    body: new URLSearchParams(form),
  });
  if (response.ok) return response;
  throw new TokenRequestError(
    `${new URL(endpoint).pathname} responded with ${response.status}: ${await response.text()}`,
  );
}

function resourceServerInfo(accessTokenTTL: number, resource = AUDIENCE) {
  const [audience, scopes] = resource.endsWith(MCP_PATH) ? [resource, MCP_SCOPES] : [AUDIENCE, SCOPES];
  return { audience, scope: scopes.join(' '), accessTokenTTL, accessTokenFormat: 'opaque' as const };
}

function registration({ clientId, clientSecret }: Credentials, grantTypes: string[]) {
  return {
    client_id: clientId,
    client_secret: clientSecret,
    grant_types: grantTypes,
    redirect_uris: [],
    response_types: [],
  };
}

function credentials(clientId: string): Credentials {
  return { clientId, clientSecret: randomBytes(24).toString('base64url') };
}
