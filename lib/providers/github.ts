import { clientSecretBasic } from '../client-auth/client-secret-basic.js';
import type { Secret } from '../client-auth/secret.js';
import type { EndpointReply } from '../introspection/response.js';
import { requireBaseUrl, requireSegment } from './base-url.js';
import { mergePreset, type NoAudience, type Preset, type PresetOptions, requireClientSecret } from './preset.js';

export interface GithubOptions extends PresetOptions {
  /** Client identifier of your OAuth App or GitHub App. An app can introspect only its own tokens. Required. */
  readonly clientId: string | undefined;
  /** Client secret, or a function that returns the current secret. Required. */
  readonly clientSecret: Secret;
  /** Base URL of the REST API. Default: `https://api.github.com`; write `https://{host}/api/v3` for GitHub Enterprise Server. */
  readonly apiUrl?: string | undefined;
}

interface Authorization {
  readonly scopes?: readonly string[] | null;
  readonly created_at?: string;
  readonly expires_at?: string | null;
  readonly app: { readonly client_id: string };
  readonly user?: { readonly id: number; readonly login: string } | null;
}

const NOT_FOUND = 404;

/**
 * Preset for [GitHub's "check a token"](https://docs.github.com/rest/apps/oauth-applications#check-a-token), which does the same as an
 * endpoint of RFC 7662, but in another format. The preset converts the replies: `sub` is the id of the user, `username` is the login name,
 * and a 404 means that the token is inactive. Responses contain no `aud`, because the endpoint knows only the tokens of your own app.
 *
 * @throws TypeError for a missing `clientId` or `clientSecret`, or an invalid URL
 */
export function github({
  clientId,
  clientSecret,
  apiUrl = 'https://api.github.com',
  ...additions
}: GithubOptions): Preset<NoAudience> {
  const clientAuth = clientSecretBasic(clientId, requireClientSecret('github', clientSecret), { encode: false });
  return mergePreset(
    {
      endpoint: `${requireBaseUrl('apiUrl', apiUrl)}/applications/${requireSegment('clientId', clientId)}/token`,
      clientAuth,
      requestFormat: 'json',
      tokenParameter: 'access_token',
      headers: { 'x-github-api-version': '2022-11-28' },
      normalizeResponse: { statuses: [NOT_FOUND], normalize, identity: 'github 1' },
      audience: false,
    },
    additions,
  );
}

function normalize({ status, text }: EndpointReply): unknown {
  if (status === NOT_FOUND) return { active: false };
  const { scopes, created_at: createdAt, expires_at: expiresAt, app, user }: Authorization = JSON.parse(text);
  return {
    active: true,
    scope: scopes ?? [],
    client_id: app.client_id,
    iat: seconds(createdAt),
    exp: seconds(expiresAt),
    ...(user && { sub: String(user.id), username: user.login }),
  };
}

function seconds(time: string | null | undefined): number | undefined {
  return time === undefined || time === null ? undefined : Math.floor(Date.parse(time) / 1000);
}
