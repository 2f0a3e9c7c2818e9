/** What the proxy does to introspection requests. `delay` holds responses back for `ms`. */
export type Fault =
  | { readonly kind: 'pass' | 'refuse' | 'reset' | 'stall' | 'truncate' | 'html' | 'blackhole' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'status'; readonly status: number; readonly retryAfterSeconds?: number };

/** A request that reached the proxy. Times are wall time in milliseconds. */
export interface Exchange {
  readonly token: string;
  readonly at: number;
  readonly fault: Fault;
  /** Time at which the complete response was passed on. Absent if it was not. */
  readonly answeredAt?: number;
  readonly active?: boolean;
}

export interface FaultProxy {
  readonly url: string;
  readonly exchanges: readonly Exchange[];
  set(fault: Fault): Promise<void>;
  peak(): number;
  connections(): number;
  close(): Promise<void>;
}

export function startFaultProxy(endpoint: string): Promise<FaultProxy>;
