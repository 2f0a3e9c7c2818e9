import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errors, Provider } from 'oidc-provider';

/** A real authorization server (oidc-provider) with opaque tokens, introspection and revocation, on loopback. */
export interface AuthorizationServer {
  readonly issuer: string;
  readonly introspectionEndpoint: string;
  readonly revocationEndpoint: string;
  readonly tokenEndpoint: string;
  /** The API's own credentials at the introspection endpoint. */
  readonly resourceServer: Credentials;
  /** The app that tokens are issued to. */
  readonly client: Credentials;
  issue(of: TokenRequest): Promise<IssuedToken>;
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
  /** Default the API. */
  readonly resource?: string;
}

export interface IssuedToken {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
}

export const AUDIENCE = 'urn:example:reports-api';
export const SCOPES = ['profile:read', 'reports:read', 'payments:write', 'admin'];

/** What the MCP server beside the API knows. Its audience is its URL, whichever port it has. */
export const MCP_PATH = '/mcp';
export const MCP_SCOPES = ['files:read', 'files:write'];

/** A grant of this example's own: whoever holds the client's secret names the subject. Never do this in production. */
export const SUBJECT_GRANT = 'urn:example:grant-type:subject';

const DEFAULT_TTL_SECONDS = 3600;
const HOST = '127.0.0.1';

/** Starts it on the port, or on a free one for 0. */
export async function createAuthorizationServer(port = 0): Promise<AuthorizationServer> {
  const client = credentials('reports-app');
  const resourceServer = credentials('reports-api');
  let server = await listen(createServer(), port);
  const issuer = `http://${HOST}:${(server.address() as AddressInfo).port}`;
  const provider = createProvider(issuer, client, resourceServer);
  server.on('request', provider.callback());

  return {
    issuer,
    introspectionEndpoint: `${issuer}/token/introspection`,
    revocationEndpoint: `${issuer}/token/revocation`,
    tokenEndpoint: `${issuer}/token`,
    resourceServer,
    client,
    issue: (of) => issueToken(`${issuer}/token`, client, of),
    async stop() {
      const stopped = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await stopped;
    },
    async start() {
      if (server.listening) return;
      server = await listen(createServer(provider.callback()), Number(new URL(issuer).port));
    },
  };
}

function createProvider(issuer: string, client: Credentials, resourceServer: Credentials): Provider {
  const provider = new Provider(issuer, {
    clients: [
      registration(client, [SUBJECT_GRANT, 'client_credentials', 'refresh_token']),
      registration(resourceServer, ['client_credentials']),
    ],
    // MCP clients register with the scopes they need first, and ask for others later.
    extraClientMetadata: {
      properties: ['scope'],
      validator: (_ctx, _name, _value, metadata) => void Reflect.deleteProperty(metadata, 'scope'),
    },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    scopes: [...SCOPES, ...MCP_SCOPES],
    // MCP clients in browsers, such as the inspector.
    clientBasedCORS: () => true,
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    jwks: { keys: [{ ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }) }] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    features: {
      // MCP clients register themselves, and anyone logs in as whom they say. Never do this in production.
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
  registerSubjectGrant(provider);
  return provider;
}

function registerSubjectGrant(provider: Provider): void {
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
      const common = { accountId, client, grantId, scope, gty: SUBJECT_GRANT };
      const access = new provider.AccessToken({ ...common, claims: {} } as never);
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

async function issueToken(endpoint: string, client: Credentials, of: TokenRequest): Promise<IssuedToken> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${client.clientId}:${client.clientSecret}`)}` },
    body: new URLSearchParams({
      grant_type: SUBJECT_GRANT,
      subject: of.subject,
      scope: of.scope,
      ...(of.ttlSeconds !== undefined && { ttl: String(of.ttlSeconds) }),
      ...(of.resource !== undefined && { resource: of.resource }),
    }),
  });
  if (!response.ok) throw new Error(`The token endpoint answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as IssuedToken;
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

/** Resolves once it listens; a taken port is an error that names it. */
export function listen(server: Server, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, HOST, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}
