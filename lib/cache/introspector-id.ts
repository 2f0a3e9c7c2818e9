import { hash, KeyObject } from 'node:crypto';

const VERSION = 1;

/** All settings that can change which introspection response a token gets. */
export interface IntrospectorIdSettings {
  readonly location: { readonly endpoint: URL | undefined; readonly issuer: string | undefined };
  readonly clientAuth: { readonly identity?: string | undefined };
  readonly normalizer: { readonly identity: string | undefined } | undefined;
  readonly requestFormat: string;
  readonly tokenParameter: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly signedResponse:
    | {
        readonly issuer: string;
        readonly audience: readonly string[];
        readonly algorithms: readonly string[];
        readonly keys: unknown;
      }
    | undefined;
}

/**
 * Returns the id of an introspector: a digest of its endpoint, its client and the other settings that can change a response. Caches use the
 * digest to keep the responses of different authorization servers and clients apart.
 */
export function introspectorId(settings: IntrospectorIdSettings): string {
  return sha256(
    JSON.stringify([
      VERSION,
      settings.location.endpoint?.href ?? ['discovered from', settings.location.issuer],
      settings.clientAuth.identity,
      settings.requestFormat,
      settings.tokenParameter,
      sorted(settings.parameters),
      sorted(settings.headers),
      settings.normalizer?.identity,
      settings.signedResponse && signatureOf(settings.signedResponse),
    ]),
  );
}

/**
 * Returns the settings by which signed responses are verified. They are part of the id, because a response that was verified with other
 * settings must not be used.
 */
function signatureOf({ issuer, audience, algorithms, keys }: NonNullable<IntrospectorIdSettings['signedResponse']>) {
  const key = keys instanceof KeyObject ? keys.export({ format: 'jwk' }) : keys;
  return [issuer, audience, algorithms, key ?? 'of the metadata'];
}

function sha256(text: string): string {
  return hash('sha256', text, 'base64url');
}

function sorted(record: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}
