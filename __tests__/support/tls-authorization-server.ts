import type { Certificate } from './certificates.js';
import { startChild } from './child.js';

/** Metadata of a client as [RFC 7591](https://www.rfc-editor.org/rfc/rfc7591) names it. */
export type ClientMetadata = { readonly client_id: string } & Readonly<Record<string, unknown>>;

/** A question as it reached the introspection endpoint, but for tokens and credentials. */
export interface Question {
  /** Where it arrived. */
  readonly url: string;
  readonly method: string;
  readonly contentType: string | null;
  readonly accept: string | null;
  /** Names of the parameters in its body, sorted. */
  readonly parameters: readonly string[];
  /** The scheme of its `Authorization`. */
  readonly authorization: string | null;
  /** Subject of the client's certificate. */
  readonly certificate: string | null;
}

export interface TokenDemand {
  readonly kind?: 'AccessToken' | 'RefreshToken';
  readonly audience?: string;
  /** Given: the token's end instead of an hour from now. */
  readonly exp?: number;
}

interface Answer {
  readonly token?: string;
  readonly questions?: readonly Question[];
}

/** A running oidc-provider in another process, over TLS, that knows every method of client authentication. */
export interface TlsAuthorizationServer {
  readonly issuer: string;
  readonly introspectionEndpoint: string;
  /** Where clients with a certificate go; the other one asks for none. */
  readonly mtlsIntrospectionEndpoint: string;
  readonly jwksUri: string;
  /** An access token of this subject, unless something else is demanded. */
  issue(subject: string, demand?: TokenDemand): Promise<string>;
  revoke(accessToken: string): Promise<void>;
  /** Adds a client, or replaces what was known of it. */
  register(client: ClientMetadata): Promise<void>;
  /** Replaces the keys that it signs with; the old ones are no longer published. */
  changeKeys(): Promise<void>;
  /** Whether it signs replies for clients that ask for that. It does until told otherwise. */
  signReplies(whether: boolean): Promise<void>;
  /** The questions that arrived since this was last asked, in order. */
  questions(): Promise<readonly Question[]>;
}

export async function startTlsAuthorizationServer(
  tls: Certificate & { readonly ca: string },
  clients: readonly ClientMetadata[],
): Promise<TlsAuthorizationServer> {
  const child = startChild('__tests__/support/run-tls-authorization-server.mjs');
  const send = (line: object) => child.process.stdin?.write(`${JSON.stringify(line)}\n`);
  send({ tls, clients });
  const facts = JSON.parse(await child.line((line) => line.startsWith('{"issuer"')));
  let commands = 0;

  async function command(line: object): Promise<Answer> {
    const start = `{"commands":${++commands}`;
    send(line);
    const answer = await child.line((each) => each.startsWith(`${start},`) || each === `${start}}`);
    return JSON.parse(answer);
  }

  return {
    ...facts,
    async issue(subject, demand) {
      return (await command({ issue: { subject, ...demand } })).token ?? '';
    },
    async revoke(accessToken) {
      await command({ revoke: accessToken });
    },
    async register(client) {
      await command({ register: client });
    },
    async changeKeys() {
      await command({ changeKeys: true });
    },
    async signReplies(whether) {
      await command({ signReplies: whether });
    },
    async questions() {
      return (await command({ tellQuestions: true })).questions ?? [];
    },
  };
}
