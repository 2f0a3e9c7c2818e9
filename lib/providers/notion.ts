import { clientSecretBasic } from '../client-auth/client-secret-basic.js';
import type { Secret } from '../client-auth/secret.js';
import type { EndpointReply } from '../introspection/response.js';
import { mergePreset, type NoAudience, type Preset, type PresetOptions, requireClientSecret } from './preset.js';

export interface NotionOptions extends PresetOptions {
  /** Client identifier of this API at the authorization server. Required. */
  readonly clientId: string | undefined;
  /** Client secret, or a function that returns the current secret. Required. */
  readonly clientSecret: Secret;
  /** Value of the header `Notion-Version`. Default: `'2026-03-11'`. */
  readonly notionVersion?: string | undefined;
}

/**
 * An `iat` of at least this value must be in milliseconds. Read as milliseconds, the value is a day in 1973; read as seconds, it is after
 * the year 5000.
 */
const MILLISECONDS_FROM = 100_000_000_000;

/**
 * Preset for [Notion](https://developers.notion.com). Requests are JSON. Responses contain only `active`, `scope` and `iat`. Because `exp`
 * is missing, only the options of the cache limit how long a response is used. `sub` and `aud` are missing too. Notion sends `iat` in
 * milliseconds, and the preset converts it to seconds.
 *
 * @throws TypeError for a missing `clientId` or `clientSecret`
 */
export function notion({
  clientId,
  clientSecret,
  notionVersion = '2026-03-11',
  ...additions
}: NotionOptions): Preset<NoAudience> {
  return mergePreset(
    {
      endpoint: 'https://api.notion.com/v1/oauth/introspect',
      clientAuth: clientSecretBasic(clientId, requireClientSecret('notion', clientSecret), { encode: false }),
      requestFormat: 'json',
      headers: { 'notion-version': notionVersion },
      normalizeResponse: { normalize: secondsFromMilliseconds, identity: 'notion 1' },
      audience: false,
    },
    additions,
  );
}

function secondsFromMilliseconds({ text }: EndpointReply): unknown {
  const response: { iat?: unknown } = JSON.parse(text);
  return typeof response.iat === 'number' && response.iat >= MILLISECONDS_FROM
    ? { ...response, iat: Math.floor(response.iat / 1000) }
    : response;
}
