import type { Secret } from '../client-auth/secret.js';
import { checkOptions } from '../core/option-check.js';
import { optionError, secretError } from '../core/option-error.js';
import { ownMembers } from '../core/own-members.js';
import type { EndpointOptions } from '../options/types.js';

/**
 * Options that every preset has: additional headers and parameters of introspection requests. A header or parameter of the preset with the
 * same name is replaced.
 */
export type PresetOptions = Pick<EndpointOptions, 'headers' | 'parameters'>;

/** Options for a named provider, which you spread into the options of `tokenIntrospection()`. A preset is a plain object. */
export type Preset<Fixed = unknown> = EndpointOptions & Fixed;

/** The part of a preset that turns the check of the audience off, for a server whose responses contain no `aud`. */
export interface NoAudience {
  /** The audience is not checked, because the responses of this server contain no `aud`. */
  readonly audience: false;
}

/**
 * Returns a copy of a preset with additional headers and parameters, which replace those of the same name. Names of headers become lower
 * case.
 *
 * @throws TypeError for an unknown option, because an ignored option would look as if it were enforced
 * @throws TypeError for `headers` or `parameters` that are no object
 */
export function mergePreset<Fixed>(base: Preset<Fixed>, additions: PresetOptions): Preset<Fixed> {
  const given = ownMembers(additions);
  checkOptions(given, ['headers', 'parameters'], 'write it next to the preset: tokenIntrospection({ ...preset, … })');
  const { headers = {}, parameters = {} } = given;
  for (const [name, value] of Object.entries({ headers, parameters })) {
    if (!isRecord(value)) throw optionError(name, value, 'write an object of strings');
  }
  const preset = ownMembers(base);
  return {
    ...preset,
    headers: { ...lowerCased(preset.headers), ...lowerCased(headers) },
    parameters: { ...preset.parameters, ...parameters },
  };
}

/**
 * Returns the client secret.
 *
 * @throws TypeError when the secret is missing or empty, most often because an environment variable is not set
 */
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
