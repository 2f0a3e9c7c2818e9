import { clientSecretBasic } from '../../lib/index.js';
import { createAuthenticate } from '../support/api.js';
import { type RunningAuthorizationServer, startAuthorizationServer } from '../support/authorization-server.js';
import { serveSockets } from '../support/sockets.js';
import { until } from '../support/until.js';

let as: RunningAuthorizationServer;

beforeAll(async () => {
  as = await startAuthorizationServer();
}, 30_000);

async function serve(ttlSeconds: number) {
  const { resourceServer, audience, issuer } = as;
  const authenticate = createAuthenticate(
    { url: as.introspectionEndpoint },
    {
      clientAuth: clientSecretBasic(resourceServer.clientId, resourceServer.clientSecret),
      audience,
      issuer,
      scopes: ['reports:read'],
      cache: { ttlSeconds },
    },
  );
  return { authenticate, ...(await serveSockets(authenticate)) };
}

describe('WebSockets with tokens of a running oidc-provider', () => {
  it('are closed with 1008 within the lifetime of a response after their token is revoked, and others stay open', async () => {
    const { connect } = await serve(1);
    const [tokens, others] = await Promise.all([
      as.issue({ scope: 'reports:read' }),
      as.issue({ scope: 'reports:read' }),
    ]);
    const [client, other] = await Promise.all([connect(tokens.access_token), connect(others.access_token)]);
    await as.revoke(tokens.access_token);
    expect(await client.closed).toEqual([1008, 'invalid_token']);
    other.socket.send('still there');
    await until(() => other.messages.length > 0);
  });

  it('are closed with 1008 when their token expires', async () => {
    const { connect, rejected } = await serve(60);
    const { access_token } = await as.issue({ scope: 'reports:read', ttlSeconds: 2 });
    const from = performance.now();
    const client = await connect(access_token);
    expect(await client.closed).toEqual([1008, 'invalid_token']);
    expect(performance.now() - from).toBeLessThan(3000);
    expect((await rejected(access_token)).status).toBe(401);
  });

  it('are rejected without the required scope', async () => {
    const { rejected } = await serve(60);
    const { access_token } = await as.issue({ scope: 'profile:read' });
    const { status, headers } = await rejected(access_token);
    expect(status).toBe(403);
    expect(headers['www-authenticate']).toMatch(/error="insufficient_scope", .*, scope="reports:read"$/);
  });
});
