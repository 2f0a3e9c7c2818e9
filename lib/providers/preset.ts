import type { EndpointOptions } from '../options.js';

/** What every preset takes besides its own: further headers and parameters, added to the preset's. */
export type PresetOptions = Pick<EndpointOptions, 'headers' | 'parameters'>;

/** What a preset returns: options to spread into `tokenIntrospection()`, and nothing else. */
export type Preset<Fixed = unknown> = EndpointOptions & Fixed;

/** Lays the caller's additions over the preset's own headers and parameters, so that adding one drops none. */
export function mergePreset<Fixed>(own: Preset<Fixed>, { headers, parameters }: PresetOptions): Preset<Fixed> {
  return {
    ...own,
    headers: { ...lowerCased(own.headers), ...lowerCased(headers) },
    parameters: { ...own.parameters, ...parameters },
  };
}

function lowerCased(headers: PresetOptions['headers'] = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
