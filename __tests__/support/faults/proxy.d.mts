/** What the proxy does to questions; `delay` holds replies back for `ms`. */
export type Fault =
  | { readonly kind: 'pass' | 'refuse' | 'reset' | 'stall' | 'truncate' | 'html' | 'blackhole' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'status'; readonly status: number; readonly retryAfterSeconds?: number };

/** A question that got as far as the proxy. Times are wall time in milliseconds. */
export interface Exchange {
  readonly token: string;
  readonly at: number;
  readonly fault: Fault;
  /** When the endpoint's whole reply was passed on; absent where it was not. */
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

export function startFaultProxy(upstream: string): Promise<FaultProxy>;
