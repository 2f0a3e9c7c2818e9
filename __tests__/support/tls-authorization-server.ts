import type { Certificate } from './certificates.js';
import { startChild } from './child.js';

/** Metadata of a client as [RFC 7591](https://www.rfc-editor.org/rfc/rfc7591) names it. */
export type ClientMetadata = { readonly client_id: string } & Readonly<Record<string, unknown>>;

/** A request to the introspection endpoint, without tokens and credentials. */
export interface Question {
  /** Its URL. */
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

export interface IssueOptions {
  readonly kind?: 'AccessToken' | 'RefreshToken';
  readonly audience?: string;
  /** Expiry of the token. Default: in an hour. */
  readonly exp?: number;
}

interface Answer {
  readonly token?: string;
  readonly questions?: readonly Question[];
}

/** A running oidc-provider over TLS in another process, with every method of client authentication. */
export interface TlsAuthorizationServer {
  readonly issuer: string;
  readonly introspectionEndpoint: string;
  /** Address for clients with a certificate. The other address requests none. */
  readonly mtlsIntrospectionEndpoint: string;
  readonly jwksUri: string;
  /** Issues an access token for this subject, or another token if these options say so. */
  issue(subject: string, options?: IssueOptions): Promise<string>;
  revoke(accessToken: string): Promise<void>;
  /** Adds or replaces a client. */
  register(client: ClientMetadata): Promise<void>;
  /** Replaces the signing keys. The old ones are no longer published. */
  changeKeys(): Promise<void>;
  /** Sets whether the server signs responses for clients that require it. Default: it does. */
  signReplies(whether: boolean): Promise<void>;
  /** Introspection requests since the last call, in order. */
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
    async issue(subject, options) {
      return (await command({ issue: { subject, ...options } })).token ?? '';
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
