import type { Secret } from '../client-auth/secret.js';
import { optionError, secretError } from '../core/option-error.js';
import { ownMembers } from '../core/own-members.js';
import type { EndpointOptions } from '../options/types.js';

/** What every preset takes besides its own: further headers and parameters, added to the preset's. */
export type PresetOptions = Pick<EndpointOptions, 'headers' | 'parameters'>;

/** What a preset returns: options to spread into `tokenIntrospection()`, and nothing else. */
export type Preset<Fixed = unknown> = EndpointOptions & Fixed;

/** What a preset says of a server whose replies name no audience. */
export interface NoAudience {
  /** There is nothing to compare. */
  readonly audience: false;
}

/**
 * Lays the caller's additions over the preset's own headers and parameters, so that adding one drops none.
 *
 * @throws TypeError for an option the preset does not know: silently dropped, a demand would look enforced
 */
export function mergePreset<Fixed>(own: Preset<Fixed>, additions: PresetOptions): Preset<Fixed> {
  const { headers = {}, parameters = {}, ...unknown } = ownMembers(additions);
  for (const [name, value] of Object.entries(unknown)) {
    throw optionError(name, value, 'write it beside the preset: tokenIntrospection({ ...preset, … })');
  }
  for (const [name, value] of Object.entries({ headers, parameters })) {
    if (!isRecord(value)) throw optionError(name, value, 'write an object of strings');
  }
  const preset = ownMembers(own);
  return {
    ...preset,
    headers: { ...lowerCased(preset.headers), ...lowerCased(headers) },
    parameters: { ...preset.parameters, ...parameters },
  };
}

/** @throws TypeError when a secret is missing, which is most often an environment variable */
export function requireClientSecret(preset: string, clientSecret: Secret): Secret {
  if (clientSecret !== undefined && clientSecret !== '') return clientSecret;
  throw secretError('clientSecret', clientSecret, `write ${preset}({ clientSecret, … }); is CLIENT_SECRET set?`);
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function lowerCased(headers: PresetOptions['headers'] = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
