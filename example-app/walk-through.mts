import { type AuthorizationServer, MCP_PATH } from './authorization-server.mjs';
import { TTL_SECONDS } from './settings.mjs';

export interface Step {
  readonly title: string;
  readonly command: string;
  readonly status: number;
}

/** Lines to paste into a shell, in order. Tokens are issued for each walk-through, so each line is complete on its own. */
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
    { title: 'A public route', command: call('/public'), status: 200 },
    { title: 'No token', command: call('/api/profile'), status: 401 },
    { title: 'A token nobody issued', command: call('/api/profile', 'made-up'), status: 401 },
    { title: 'A good token', command: call('/api/profile', alice), status: 200 },
    {
      title: 'Two tokens at once',
      command: `${call('/api/profile', alice)} -H 'Authorization: Bearer ${bob}'`,
      status: 400,
    },
    { title: 'The scope is there', command: call('/api/reports', alice), status: 200 },
    { title: 'The scope is missing', command: call('/api/reports', bob), status: 403 },
    { title: 'The admin route, and not for everyone', command: call('/admin/stats', alice), status: 403 },
    { title: 'The admin route, for an admin', command: call('/admin/stats', admin), status: 200 },
    { title: 'The MCP server, without a token', command: callTool('read_file'), status: 401 },
    { title: 'A token for the API is none for the MCP server', command: callTool('read_file', alice), status: 401 },
    { title: 'A tool that may be called', command: callTool('read_file', reader.access_token), status: 200 },
    { title: 'A tool that needs another scope', command: callTool('write_file', reader.access_token), status: 403 },
    {
      title: 'Used, revoked, used again at once: the cached answer still counts',
      command: `${quietly('/api/profile', seen)}; ${revoke(seen)}; ${call('/api/profile', seen)}`,
      status: 200,
    },
    {
      title: `Used, revoked, used again once the cached answer has had its ${TTL_SECONDS} seconds`,
      command: `${quietly('/api/profile', outlived)}; ${revoke(outlived)}; sleep ${TTL_SECONDS + 1}; ${call('/api/profile', outlived)}`,
      status: 401,
    },
    {
      title: 'Used, revoked, used at once on a route that requires a fresh answer',
      command: `${quietly('/api/profile', spent)}; ${revoke(spent)}; ${call('/api/payments', spent)} -X POST`,
      status: 401,
    },
    { title: 'A fresh answer for a good token', command: `${call('/api/payments', alice)} -X POST`, status: 200 },
    {
      title: 'The authorization server stops',
      command: `${show} -X POST ${api}/authorization-server/stop`,
      status: 200,
    },
    {
      title: 'A token it was never asked about: not "invalid", but "try again later"',
      command: call('/api/profile', late),
      status: 503,
    },
    {
      title: 'Five more, and the circuit breaker is open: such requests are refused at once, with a Retry-After',
      command: `for i in 1 2 3 4 5; do ${quietly('/api/profile', 'unknown-$i').replaceAll("'", '"')}; done; ${call('/api/profile', late)}`,
      status: 503,
    },
    {
      title: 'The authorization server is back',
      command: `${show} -X POST ${api}/authorization-server/start`,
      status: 200,
    },
    {
      title: 'And so is the token, once the circuit breaker has let a single question through as a probe',
      command: `sleep 2; ${call('/api/profile', late)}`,
      status: 200,
    },
  ];
}
