/** Common interface of the store to the client packages `redis` and `ioredis`. */
export interface RedisDriver {
  /** Runs a script with the app's client. Strings in the reply are returned as bytes. */
  run: RunScript;
  /** Opens a further connection, by duplicating the app's client. */
  connect(): Connection;
}

export type RunScript = (script: string, keys: string[], args: (string | Buffer)[]) => Promise<unknown>;

/** A connection that the store has opened, besides the connection of the app's client. */
export interface Connection {
  /** Runs a script on this connection; in a cluster on a master, never on a replica. Strings in the reply are returned as bytes. */
  run: RunScript;
  /**
   * Resolves when the stream `key` has an entry after the stream id `after`, or after `ms` milliseconds. Redis runs later commands of this
   * connection only after this wait.
   */
  wait(key: string, after: string, ms: number): Promise<unknown>;
  close(): void;
}

/** Whether a value has methods with all of these names. */
export function hasMethods(value: unknown, ...names: string[]): boolean {
  return names.every((name) => typeof (value as Record<string, unknown> | null | undefined)?.[name] === 'function');
}
