import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SELF_SIGNED } from './certificate.js';

export const GOOD_TOKEN = 'good-token';

/** The credentials and the token that the stand-in accepts. */
export const CLIENT = { id: 'reports-api', secret: 'hush-hush' };

const HOUR_SECONDS = 3600;

type Reply = readonly [status: number, contentType: string, body: string];

/** An HTTPS server that acts as every provider. It knows one token, and rejects other credentials with 401. */
export async function startProviderStandIn(): Promise<{ port: number; asked: string[]; server: Server }> {
  const asked: string[] = [];
  const server = createServer(SELF_SIGNED, async (req, res) => {
    const body = await text(req);
    const { host = '', authorization } = req.headers;
    asked.push(`https://${host}${req.url}`);
    const [status, type, reply] =
      req.method === 'GET' ? metadataOf(host) : introspect(host, authorization, parametersOf(body));
    res.writeHead(status, { 'content-type': type }).end(reply);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, asked, server };
}

function parametersOf(body: string): Record<string, string | undefined> {
  return body.startsWith('{') ? JSON.parse(body) : Object.fromEntries(new URLSearchParams(body));
}

function metadataOf(host: string): Reply {
  return json({ issuer: `https://${host}`, introspection_endpoint: `https://${host}/introspect` });
}

function introspect(host: string, authorization: string | undefined, sent: Record<string, string | undefined>): Reply {
  const basic = `Basic ${btoa(`${CLIENT.id}:${CLIENT.secret}`)}`;
  const isClient = authorization === basic || sent.client_secret === CLIENT.secret || host.startsWith('hydra.');
  if (!isClient) return json({ error: 'invalid_client' }, 401);
  const isGood = (sent.token ?? sent.access_token) === GOOD_TOKEN;
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub: 'alice', scope: 'reports:read', aud: 'reports', iat: now, exp: now + HOUR_SECONDS };
  if (host === 'api.github.com') return isGood ? json(githubAuthorization()) : json({}, 404);
  if (host === 'login.example.com')
    return isGood ? [200, 'application/jwt', jwt(claims)] : [204, 'application/jwt', ''];
  return json(isGood ? { active: true, ...claims } : { active: false });
}

function githubAuthorization(): object {
  return { scopes: ['reports:read'], app: { client_id: CLIENT.id }, user: { id: 1, login: 'alice' } };
}

function json(body: object, status = 200): Reply {
  return [status, 'application/json', JSON.stringify(body)];
}

function jwt(claims: object): string {
  return ['{}', JSON.stringify(claims), 'x'].map((part) => Buffer.from(part).toString('base64url')).join('.');
}
