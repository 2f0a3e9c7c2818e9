import { clientSecretBasic } from '../client-auth/client-secret-basic.js';
import type { Secret } from '../client-auth/secret.js';
import type { EndpointReply } from '../introspection/response.js';
import { mergePreset, type NoAudience, type Preset, type PresetOptions, requireClientSecret } from './preset.js';

export interface NotionOptions extends PresetOptions {
  /** The identifier of the client that this API is at the server. Required. */
  readonly clientId: string | undefined;
  /** The client's secret, or a function that returns the current one. Required. */
  readonly clientSecret: Secret;
  /** `Notion-Version` header. Default `'2026-03-11'`. */
  readonly notionVersion?: string | undefined;
}

/** No time in seconds comes near it before the year 5000; every time in milliseconds since 1973 is past it. */
const MILLISECONDS_FROM = 100_000_000_000;

/**
 * [Notion](https://developers.notion.com). It asks in JSON, and its replies hold `active`, `scope` and `iat` only: no `exp`
 * (the cache bound rules), no `sub`, no audience. `iat` comes in milliseconds and is turned into seconds.
 *
 * @throws TypeError for missing credentials
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
      normalizeResponse: secondsFromMilliseconds,
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
