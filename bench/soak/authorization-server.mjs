/** The example app's authorization server, in its own process. */
import { AUDIENCE, createAuthorizationServer } from '../../example-app/dist/authorization-server.mjs';
import { handleCommands } from '../commands.mjs';

const server = await createAuthorizationServer(0);

const commands = {
  async issue({ scope, ttlSeconds }) {
    const { access_token: token } = await server.issue({ subject: 'alice', scope, ttlSeconds });
    // The server stores whole seconds, rounded down.
    return { token, expiresAt: Math.floor(Date.now() / 1000 + ttlSeconds) * 1000 };
  },
  async revoke({ token }) {
    const { clientId, clientSecret } = server.client;
    const response = await fetch(server.revocationEndpoint, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` },
      body: new URLSearchParams({ token }),
    });
    if (!response.ok) throw new Error(`The revocation endpoint responded with ${response.status}`);
  },
  stop: () => server.stop(),
  start: () => server.start(),
};

handleCommands(commands);
process.send({
  endpoint: server.introspectionEndpoint,
  issuer: server.issuer,
  audience: AUDIENCE,
  ...server.resourceServer,
});
