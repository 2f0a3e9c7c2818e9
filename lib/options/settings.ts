import type { Lifetimes } from '../cache/record-lifetimes.js';
import type { SharedCacheOptions } from '../cache/shared/create-shared-cache.js';
import type { Precheck } from '../core/precheck.js';
import type { IntrospectionClientSettings } from '../introspection/client.js';
import type { Policy } from '../policy.js';
import type { ReplayGuard } from '../verification/sender/replay.js';

export interface MemoryCacheSettings extends Lifetimes {
  readonly maxEntries: number;
  readonly maxBytes: number | undefined;
  readonly staleIfErrorMs: number;
  readonly refreshAhead: boolean;
  readonly shared: SharedCacheOptions | undefined;
}

export interface IntrospectorSettings extends IntrospectionClientSettings {
  /** With `false`, no response is cached, and each request makes its own introspection request. */
  readonly cache: MemoryCacheSettings | false;
  readonly replay: ReplayGuard;
  /** Runs before the endpoint is asked about a token; `undefined` for none. */
  readonly precheck: Precheck | undefined;
}

/** Parsed options of `tokenIntrospection()`: the settings of the introspector, and the policy of the returned middleware. */
export interface Settings extends IntrospectorSettings {
  readonly policy: Policy;
}
