import type { Secret } from '../client-auth/secret.js';
import { checkOptions } from '../core/option-check.js';
import { optionError, secretError } from '../core/option-error.js';
import { ownMembers } from '../core/own-members.js';
import type { EndpointOptions } from '../options/types.js';

/** Options of every preset: additional headers and parameters. They override those of the preset that have the same name. */
export type PresetOptions = Pick<EndpointOptions, 'headers' | 'parameters'>;

/** Options for a provider, to spread into the options of `tokenIntrospection()`. A preset is plain data. */
export type Preset<Fixed = unknown> = EndpointOptions & Fixed;

/** Part of a preset for a server whose responses contain no `aud`. */
export interface NoAudience {
  /** The audience is not checked, because responses contain none. */
  readonly audience: false;
}

/**
 * Adds headers and parameters to a preset, and overrides those with the same name. Names of headers become lower case.
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

/** @throws TypeError when the secret is missing or empty, most often because an environment variable is not set */
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
