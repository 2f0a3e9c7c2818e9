import type { Lifetimes } from '../cache/lifetimes.js';
import type { SharedCacheOptions } from '../cache/shared/fleet.js';
import type { IntrospectionClientSettings } from '../introspection/client.js';
import type { Policy } from '../policy.js';

export interface MemoryCacheSettings extends Lifetimes {
  readonly maxEntries: number;
  readonly maxBytes: number | undefined;
  readonly staleIfErrorMs: number;
  readonly refreshAhead: boolean;
  readonly shared: SharedCacheOptions | undefined;
}

export interface IntrospectorSettings extends IntrospectionClientSettings {
  /** `false`: every request asks on its own, and nothing is shared, not even a flight. */
  readonly cache: MemoryCacheSettings | false;
}

export interface Settings extends IntrospectorSettings {
  readonly policy: Policy;
}
