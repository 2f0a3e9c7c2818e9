import { type AuthorizationServer, MCP_PATH } from './authorization-server.mjs';
import { TTL_SECONDS } from './settings.mjs';

/** One line to paste into a shell. It prints a status, or, for the first step, what the authorization server says about a token. */
export type Step = { readonly title: string; readonly command: string } & (
  | { readonly status: number }
  | { readonly prints: string }
);

/** Steps to paste in order. Tokens are issued for each walk-through, so each line is complete on its own. */
export async function createWalkThrough(api: string, as: AuthorizationServer): Promise<Step[]> {
  const alice = await token('profile:read reports:read payments:write');
  const bob = await token('profile:read', 'bob');
  const admin = await token('admin', 'carol');
  const [seen, outlived, spent, late] = [await token(), await token(), await token('payments:write'), await token()];

  async function token(scope = 'profile:read', subject = 'alice'): Promise<string> {
    return (await as.issue({ subject, scope })).access_token;
  }

  const reader = await as.issue({ subject: 'alice', scope: 'files:read', resource: `${api}${MCP_PATH}` });

  const show = `curl -s -o /dev/null -w '%{http_code}\\n'`;
  const call = (path: string, bearer?: string) =>
    `${show}${bearer === undefined ? '' : ` -H 'Authorization: Bearer ${bearer}'`} ${api}${path}`;
  const quietly = (path: string, bearer: string) =>
    `curl -s -o /dev/null -H 'Authorization: Bearer ${bearer}' ${api}${path}`;
  const callTool = (name: string, bearer?: string) => {
    const params = { name, arguments: { name: 'hello.txt', content: 'Changed' } };
    const message = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
    return `${call(MCP_PATH, bearer)} -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' -d '${message}'`;
  };
  const { clientId, clientSecret } = as.client;
  const revoke = (bearer: string) =>
    `curl -s -o /dev/null -u '${clientId}:${clientSecret}' -d 'token=${bearer}' ${as.revocationEndpoint}`;

  return [
    {
      title: 'Token introspection itself: the API asks the authorization server, "is this token good?"',
      command: introspectionLine(as, alice),
      prints: await as.introspect(alice),
    },
    { title: 'The API, on a route without the middleware', command: call('/public'), status: 200 },
    { title: 'A protected route without a token', command: call('/api/profile'), status: 401 },
    { title: 'A token that nobody issued', command: call('/api/profile', 'made-up'), status: 401 },
    { title: 'A good token', command: call('/api/profile', alice), status: 200 },
    {
      title: 'Two tokens in one request',
      command: `${call('/api/profile', alice)} -H 'Authorization: Bearer ${bob}'`,
      status: 400,
    },
    { title: 'A token with the scope of the route', command: call('/api/reports', alice), status: 200 },
    { title: 'A token without that scope', command: call('/api/reports', bob), status: 403 },
    { title: 'The admin route with a user’s token', command: call('/admin/stats', alice), status: 403 },
    { title: 'The admin route with an admin’s token', command: call('/admin/stats', admin), status: 200 },
    { title: 'The MCP server without a token', command: callTool('read_file'), status: 401 },
    {
      title: 'The MCP server with a token for the API: its audience is another one',
      command: callTool('read_file', alice),
      status: 401,
    },
    { title: 'A tool that this token allows', command: callTool('read_file', reader.access_token), status: 200 },
    { title: 'A tool that needs another scope', command: callTool('write_file', reader.access_token), status: 403 },
    {
      title: 'Use a token, revoke it, use it again at once: the cached response still counts',
      command: `${quietly('/api/profile', seen)}; ${revoke(seen)}; ${call('/api/profile', seen)}`,
      status: 200,
    },
    {
      title: `The same, but wait until the cached response has expired after ${TTL_SECONDS} seconds`,
      command: `${quietly('/api/profile', outlived)}; ${revoke(outlived)}; sleep ${TTL_SECONDS + 1}; ${call('/api/profile', outlived)}`,
      status: 401,
    },
    {
      title: 'The same without a wait, on a route that always asks the authorization server',
      command: `${quietly('/api/profile', spent)}; ${revoke(spent)}; ${call('/api/payments', spent)} -X POST`,
      status: 401,
    },
    { title: 'A good token on that route', command: `${call('/api/payments', alice)} -X POST`, status: 200 },
    {
      title: 'Stop the authorization server',
      command: `${show} -X POST ${api}/authorization-server/stop`,
      status: 200,
    },
    {
      title: 'A token that is not in the cache: the API does not call it invalid, but says "try again later"',
      command: call('/api/profile', late),
      status: 503,
    },
    {
      title: 'Five more tokens, and the circuit breaker blocks calls: the API answers at once, with Retry-After',
      command: `for i in 1 2 3 4 5; do ${quietly('/api/profile', 'unknown-$i').replaceAll("'", '"')}; done; ${call('/api/profile', late)}`,
      status: 503,
    },
    {
      title: 'Start the authorization server',
      command: `${show} -X POST ${api}/authorization-server/start`,
      status: 200,
    },
    {
      title: 'The same token is accepted, after the circuit breaker’s probe found the server up',
      command: `sleep 2; ${call('/api/profile', late)}`,
      status: 200,
    },
  ];
}

/** The call that a resource server makes for each token it does not know yet (RFC 7662 section 2.1). */
function introspectionLine({ resourceServer, introspectionEndpoint }: AuthorizationServer, token: string): string {
  const { clientId, clientSecret } = resourceServer;
  return `curl -s -w '\\n' -u '${clientId}:${clientSecret}' -d 'token=${token}' ${introspectionEndpoint}`;
}
