import { type Child, startChild } from './child.js';

interface Credentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

interface Facts {
  readonly issuer: string;
  readonly introspectionEndpoint: string;
  readonly revocationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly resourceServer: Credentials;
  readonly client: Credentials;
  readonly audience: string;
  readonly subjectGrant: string;
}

export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

/** A running oidc-provider in another process. */
export interface RunningAuthorizationServer extends Facts {
  /** `resource` is the audience of the token. Default: the API. */
  issue(of: { readonly scope: string; readonly ttlSeconds?: number; readonly resource?: string }): Promise<Tokens>;
  revoke(token: string): Promise<void>;
  /** The body of the introspection response. */
  introspect(token: string): Promise<{ readonly status: number; readonly body: unknown }>;
  /** Closes the port. Tokens and clients are kept. */
  stop(): Promise<void>;
  /** Opens the same port again. */
  start(): Promise<void>;
  /** Kills the process. */
  kill(): Promise<void>;
}

export async function startAuthorizationServer(): Promise<RunningAuthorizationServer> {
  const child = startChild('__tests__/support/run-authorization-server.mjs');
  const facts: Facts = JSON.parse(await child.line((line) => line.startsWith('{"issuer"')));
  const command = createCommander(child);

  return {
    ...facts,
    async issue({ scope, ttlSeconds, resource }) {
      const response = await post(facts.tokenEndpoint, facts.client, {
        grant_type: facts.subjectGrant,
        subject: 'alice',
        scope,
        ...(ttlSeconds !== undefined && { ttl: String(ttlSeconds) }),
        ...(resource !== undefined && { resource }),
      });
      if (response.status !== 200) throw new Error(`The token endpoint responded with ${response.status}`);
      return (await response.json()) as Tokens;
    },
    async revoke(token) {
      const { status } = await post(facts.revocationEndpoint, facts.client, { token });
      if (status !== 200) throw new Error(`The revocation endpoint responded with ${status}`);
    },
    async introspect(token) {
      const response = await post(facts.introspectionEndpoint, facts.resourceServer, { token });
      return { status: response.status, body: await response.json() };
    },
    stop: () => command('stop'),
    start: () => command('start'),
    async kill() {
      child.process.kill('SIGKILL');
      await child.exit;
    },
  };
}

function createCommander(child: Child): (command: string) => Promise<void> {
  let commands = 0;
  return async (command) => {
    commands++;
    const done = JSON.stringify({ done: command, commands });
    child.process.stdin?.write(`${command}\n`);
    await child.line((line) => line === done);
  };
}

function post(url: string, { clientId, clientSecret }: Credentials, form: Record<string, string>): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` },
    body: new URLSearchParams(form),
  });
}
