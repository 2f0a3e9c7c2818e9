/** The example app's authorization server, in a process of its own. */
import { AUDIENCE, createAuthorizationServer } from '../../example-app/dist/authorization-server.mjs';

const server = await createAuthorizationServer(0);

const orders = {
  async issue({ scope, ttlSeconds }) {
    const { access_token: token } = await server.issue({ subject: 'alice', scope, ttlSeconds });
    // It keeps whole seconds, rounded down.
    return { token, expiresAt: Math.floor(Date.now() / 1000 + ttlSeconds) * 1000 };
  },
  async revoke({ token }) {
    const { clientId, clientSecret } = server.client;
    const response = await fetch(server.revocationEndpoint, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` },
      body: new URLSearchParams({ token }),
    });
    if (!response.ok) throw new Error(`The revocation endpoint answered ${response.status}`);
  },
  stop: () => server.stop(),
  start: () => server.start(),
};

process.on('message', async ({ id, order, ...rest }) => {
  try {
    process.send({ id, ...(await orders[order](rest)) });
  } catch (error) {
    process.send({ id, failure: String(error) });
  }
});
process.on('disconnect', () => process.exit());
process.send({
  endpoint: server.introspectionEndpoint,
  issuer: server.issuer,
  audience: AUDIENCE,
  ...server.resourceServer,
});
