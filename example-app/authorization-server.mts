import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { errors, type KoaContextWithOIDC, Provider } from 'oidc-provider';
import { verifyTokenRequestProof } from './dpop-proof.mjs';
import { openDoor } from './restartable-server.mjs';

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
  readonly isRunning: boolean;
  /** How long every answer takes, on top of the time it needs. */
  delayMs: number;
  /** @throws TokenRequestError when it refuses, and what `fetch` throws when it does not answer */
  issue(of: TokenRequest): Promise<IssuedToken>;
  revoke(token: string): Promise<void>;
  /** Asks about a token as the API does: the call of RFC 7662 itself. Resolves with the response body as it was sent. */
  introspect(token: string): Promise<string>;
  /** Drops every connection and answers nobody. What it knows of its tokens is kept. */
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
  /** A DPoP proof for a POST of the token endpoint: the token is bound to its key. */
  readonly dpopProof?: string | undefined;
}

export interface IssuedToken {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
  readonly token_type: 'Bearer' | 'DPoP';
  readonly scope: string;
}

/** The token endpoint answered, and refused. */
export class TokenRequestError extends Error {
  override readonly name = 'TokenRequestError';
}

export const AUDIENCE = 'urn:example:reports-api';
export const SCOPES = ['profile:read', 'reports:read', 'payments:write', 'admin'];

/** What the MCP server beside the API knows. Its audience is its URL, whichever port it has. */
export const MCP_PATH = '/mcp';
export const MCP_SCOPES = ['files:read', 'files:write'];

/** A grant of this example's own: whoever holds the client's secret names the subject. Never do this in production. */
export const SUBJECT_GRANT = 'urn:example:grant-type:subject';

const DEFAULT_TTL_SECONDS = 3600;
/** For how long a proof that was used is remembered. */
const PROOF_MEMORY_SECONDS = 300;

/** Starts it on the port, or on a free one for 0. */
export async function createAuthorizationServer(port = 0): Promise<AuthorizationServer> {
  const client = credentials('reports-app');
  const resourceServer = credentials('reports-api');
  const door = await openDoor(port);
  const issuer = door.origin;
  const tokenEndpoint = `${issuer}/token`;
  const revocationEndpoint = `${issuer}/token/revocation`;
  const introspectionEndpoint = `${issuer}/token/introspection`;
  door.answerWith(createProvider(issuer, client, resourceServer).callback());

  return {
    issuer,
    introspectionEndpoint,
    revocationEndpoint,
    tokenEndpoint,
    resourceServer,
    client,
    get isRunning() {
      return door.isOpen;
    },
    get delayMs() {
      return door.delayMs;
    },
    set delayMs(ms) {
      door.delayMs = ms;
    },
    issue: (of) => issueToken(tokenEndpoint, client, of),
    revoke: async (token) => void (await post(revocationEndpoint, client, { token })),
    introspect: async (token) => (await post(introspectionEndpoint, resourceServer, { token })).text(),
    stop: door.close,
    start: door.open,
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
      const jkt = await senderOf(ctx, provider, client.clientId);
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

/** Thumbprint of the key whose holder the token is for; `undefined` for anyone. */
async function senderOf(ctx: KoaContextWithOIDC, provider: Provider, clientId: string): Promise<string | undefined> {
  const proof = ctx.get('DPoP');
  if (proof === '') return undefined;
  const verified = await verifyTokenRequestProof(proof, `${provider.issuer}/token`).catch(() => undefined);
  const end = Math.floor(Date.now() / 1000) + PROOF_MEMORY_SECONDS;
  const isGood = verified && (await provider.ReplayDetection.unique(clientId, verified.jti, end));
  if (!isGood) throw new errors.InvalidDpopProof('one proof, for this request, made just now');
  return verified.jkt;
}

async function issueToken(endpoint: string, client: Credentials, of: TokenRequest): Promise<IssuedToken> {
  const response = await post(
    endpoint,
    client,
    {
      grant_type: SUBJECT_GRANT,
      subject: of.subject,
      scope: of.scope,
      ...(of.ttlSeconds !== undefined && { ttl: String(of.ttlSeconds) }),
      ...(of.resource !== undefined && { resource: of.resource }),
    },
    of.dpopProof === undefined ? {} : { dpop: of.dpopProof },
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
  throw new TokenRequestError(`${new URL(endpoint).pathname} answered ${response.status}: ${await response.text()}`);
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
