/** Common interface to the client packages `redis` and `ioredis`. */
export interface RedisDriver {
  /** Runs a script with the app's client. Strings in the reply are bytes. */
  run: RunScript;
  /** Opens a further connection. */
  connect(): Connection;
}

export type RunScript = (script: string, keys: string[], args: (string | Buffer)[]) => Promise<unknown>;

/** A connection that the store has opened, besides the connection of the app's client. */
export interface Connection {
  /** Runs a script on this connection, always on a master. Strings in the reply are bytes. */
  run: RunScript;
  /**
   * Waits until the stream `key` has an entry after the stream id `after`, for at most `ms` milliseconds. Later commands on this
   * connection wait until then too.
   */
  wait(key: string, after: string, ms: number): Promise<unknown>;
  close(): void;
}

/** Whether a value has a method for each of the names. */
export function hasMethods(value: unknown, ...names: string[]): boolean {
  return names.every((name) => typeof (value as Record<string, unknown> | null | undefined)?.[name] === 'function');
}
