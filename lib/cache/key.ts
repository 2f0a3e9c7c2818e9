import { hash } from 'node:crypto';

const VERSION = 1;

/** Everything besides the token that the endpoint's answer may depend on. */
export interface KeyedSettings {
  readonly endpoint: URL;
  readonly clientAuth: { readonly identity: string };
  readonly requestFormat: string;
  readonly tokenParameter: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Returns the function that turns a token into its key: SHA-256 over a digest of the settings and the exact token.
 * One authority's answer can then never be found under another's, and no store ever sees a token.
 */
export function createKeyer(settings: KeyedSettings): (token: string) => string {
  const digest = sha256(
    JSON.stringify([
      VERSION,
      settings.endpoint.href,
      settings.clientAuth.identity,
      settings.requestFormat,
      settings.tokenParameter,
      sorted(settings.parameters),
      sorted(settings.headers),
    ]),
  );
  return (token) => sha256(digest + token);
}

function sha256(text: string): string {
  return hash('sha256', text, 'base64url');
}

function sorted(record: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}
