import { type AuthorizationServer, MCP_PATH } from './authorization-server.mjs';
import { TTL_SECONDS } from './settings.mjs';

/** A command line for bash. It prints the status of a response. The first step prints an introspection response instead. */
export type Step = { readonly title: string; readonly command: string } & (
  | { readonly status: number }
  | { readonly output: string }
);

/** Steps to run in this order. Each command contains a token that was issued for it. */
export async function createWalkThrough(api: string, as: AuthorizationServer): Promise<Step[]> {
  const alice = await token('profile:read reports:read payments:write');
  const bob = await token('profile:read', 'bob');
  const admin = await token('admin', 'carol');
  const revokedInCache = await token();
  const revokedAndExpired = await token();
  const revokedBeforePayment = await token('payments:write');
  const loggedOut = await token('profile:read', 'erin');
  const notInCache = await token();

  async function token(scope = 'profile:read', subject = 'alice'): Promise<string> {
    return (await as.issue({ subject, scope })).access_token;
  }

  const reader = await as.issue({ subject: 'alice', scope: 'files:read', resource: `${api}${MCP_PATH}` });

  const printStatus = `curl -s -o /dev/null -w '%{http_code}\\n'`;
  const call = (path: string, bearer?: string) =>
    `${printStatus}${bearer === undefined ? '' : ` -H 'Authorization: Bearer ${bearer}'`} ${api}${path}`;
  const callSilently = (path: string, bearer: string) =>
    `curl -s -o /dev/null -H 'Authorization: Bearer ${bearer}' ${api}${path}`;
  const callTool = (name: string, bearer?: string) => {
    const params = { name, arguments: { name: 'hello.txt', content: 'Changed' } };
    const message = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
    return `${call(MCP_PATH, bearer)} -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' -d '${message}'`;
  };
  const { clientId, clientSecret } = as.client;
  const revoke = (bearer: string) =>
    `curl -s -o /dev/null -u '${clientId}:${clientSecret}' -d 'token=${bearer}' ${as.revocationEndpoint}`;

  const logOut = (subject: string) =>
    `curl -s -o /dev/null -H 'Content-Type: application/json' -d '${JSON.stringify({ subject })}' ${api}/console/logout`;

  return [
    {
      title: 'Token introspection: the API asks the authorization server whether a token is valid',
      command: introspectionCommand(as, alice),
      output: await as.introspect(alice),
    },
    { title: 'A route without the middleware', command: call('/public'), status: 200 },
    { title: 'A protected route without a token', command: call('/api/profile'), status: 401 },
    { title: 'A token that was never issued', command: call('/api/profile', 'made-up'), status: 401 },
    { title: 'A valid token', command: call('/api/profile', alice), status: 200 },
    {
      title: 'Two tokens in one request',
      command: `${call('/api/profile', alice)} -H 'Authorization: Bearer ${bob}'`,
      status: 400,
    },
    { title: 'A token with the scope that the route requires', command: call('/api/reports', alice), status: 200 },
    { title: 'A token without that scope', command: call('/api/reports', bob), status: 403 },
    { title: 'The admin route with a user’s token', command: call('/admin/stats', alice), status: 403 },
    { title: 'The admin route with an admin’s token', command: call('/admin/stats', admin), status: 200 },
    { title: 'The MCP server without a token', command: callTool('read_file'), status: 401 },
    {
      title: 'The MCP server with a token for the API, which has another audience',
      command: callTool('read_file', alice),
      status: 401,
    },
    { title: 'A tool that the token’s scope allows', command: callTool('read_file', reader.access_token), status: 200 },
    { title: 'A tool that requires another scope', command: callTool('write_file', reader.access_token), status: 403 },
    {
      title: 'Use a token, revoke it and use it again at once: the API still uses the cached response',
      command: `${callSilently('/api/profile', revokedInCache)}; ${revoke(revokedInCache)}; ${call('/api/profile', revokedInCache)}`,
      status: 200,
    },
    {
      title: `The same, but wait until the cached response has expired (${TTL_SECONDS} seconds)`,
      command: `${callSilently('/api/profile', revokedAndExpired)}; ${revoke(revokedAndExpired)}; sleep ${TTL_SECONDS + 1}; ${call('/api/profile', revokedAndExpired)}`,
      status: 401,
    },
    {
      title: 'The same without waiting, on a route that never uses the cache',
      command: `${callSilently('/api/profile', revokedBeforePayment)}; ${revoke(revokedBeforePayment)}; ${call('/api/payments', revokedBeforePayment)} -X POST`,
      status: 401,
    },
    {
      title:
        'Use a token, log its user out and use it again at once: a logout token reaches the API before the response',
      command: `${callSilently('/api/profile', loggedOut)}; ${logOut('erin')}; ${call('/api/profile', loggedOut)}`,
      status: 401,
    },
    { title: 'A valid token on that route', command: `${call('/api/payments', alice)} -X POST`, status: 200 },
    {
      title: 'Stop the authorization server',
      command: `${printStatus} -X POST ${api}/authorization-server/stop`,
      status: 200,
    },
    {
      title: 'A token that is not in the cache: the API does not reject it, but responds with "try again later"',
      command: call('/api/profile', notInCache),
      status: 503,
    },
    {
      title: 'After five more tokens, the circuit breaker opens: the API responds at once, with Retry-After',
      command: `for i in 1 2 3 4 5; do ${callSilently('/api/profile', 'unknown-$i').replaceAll("'", '"')}; done; ${call('/api/profile', notInCache)}`,
      status: 503,
    },
    {
      title: 'Start the authorization server',
      command: `${printStatus} -X POST ${api}/authorization-server/start`,
      status: 200,
    },
    {
      title: 'The same token, once a probe of the circuit breaker has got a response',
      command: `sleep 2; ${call('/api/profile', notInCache)}`,
      status: 200,
    },
  ];
}

/** The introspection request that a resource server sends for each token it has not cached (RFC 7662 section 2.1). */
function introspectionCommand({ resourceServer, introspectionEndpoint }: AuthorizationServer, token: string): string {
  const { clientId, clientSecret } = resourceServer;
  return `curl -s -w '\\n' -u '${clientId}:${clientSecret}' -d 'token=${token}' ${introspectionEndpoint}`;
}
