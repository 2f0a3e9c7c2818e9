/** Common interface to the client packages `redis` and `ioredis`. */
export interface RedisDriver {
  /** Runs a script with the app's client. Strings in the reply are bytes. */
  run: RunScript;
  /** Opens a further connection. */
  connect(): Connection;
}

export type RunScript = (script: string, keys: string[], args: (string | Buffer)[]) => Promise<unknown>;

/** A connection that the store has opened, apart from the app's client. */
export interface Connection {
  /** Runs a script on this connection, always on a master. Strings in the reply are bytes. */
  run: RunScript;
  /**
   * Ends when an entry is added to a stream after a position, or after `ms` milliseconds. Later commands on this connection wait as
   * long.
   */
  wait(key: string, after: string, ms: number): Promise<unknown>;
  close(): void;
}

/** Whether a value has all of these methods. */
export function hasMethods(value: unknown, ...names: string[]): boolean {
  return names.every((name) => typeof (value as Record<string, unknown> | null | undefined)?.[name] === 'function');
}
