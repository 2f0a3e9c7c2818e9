import type { Certificate } from './certificates.js';
import { startChild } from './child.js';

/** Metadata of a client as [RFC 7591](https://www.rfc-editor.org/rfc/rfc7591) names it. */
export type ClientMetadata = { readonly client_id: string } & Readonly<Record<string, unknown>>;

/** A running oidc-provider in another process, over TLS, that knows every method of client authentication. */
export interface ClientAuthServer {
  readonly issuer: string;
  readonly introspectionEndpoint: string;
  /** An access token of this subject. */
  issue(subject: string): Promise<string>;
  /** Adds a client, or replaces what was known of it. */
  register(client: ClientMetadata): Promise<void>;
}

export async function startClientAuthServer(
  tls: Certificate & { readonly ca: string },
  clients: readonly ClientMetadata[],
): Promise<ClientAuthServer> {
  const child = startChild('__tests__/support/run-client-auth-server.mjs');
  const send = (line: object) => child.process.stdin?.write(`${JSON.stringify(line)}\n`);
  send({ tls, clients });
  const facts = JSON.parse(await child.line((line) => line.startsWith('{"issuer"')));
  let commands = 0;

  async function command(line: object): Promise<{ readonly token?: string }> {
    const start = `{"commands":${++commands}`;
    send(line);
    const answer = await child.line((each) => each.startsWith(`${start},`) || each === `${start}}`);
    return JSON.parse(answer);
  }

  return {
    ...facts,
    async issue(subject) {
      return (await command({ issue: subject })).token ?? '';
    },
    async register(client) {
      await command({ register: client });
    },
  };
}
