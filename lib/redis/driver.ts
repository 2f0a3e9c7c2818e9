/** One way to use both client packages. */
export interface RedisDriver {
  /** Runs a script with the app's own client. Texts in its reply come as bytes. */
  run: RunScript;
  /** A further connection of our own. */
  connect(): Connection;
}

export type RunScript = (script: string, keys: string[], words: (string | Buffer)[]) => Promise<unknown>;

export interface Connection {
  /** Runs a script on this connection, always on a master. Texts in its reply come as bytes. */
  run: RunScript;
  /** Ends when an entry is added behind a position, or after some time. Commands that follow on this connection wait as well. */
  wait(key: string, after: string, ms: number): Promise<unknown>;
  close(): void;
}

/** Whether a value has all of these methods. */
export function hasMethods(value: unknown, ...names: string[]): boolean {
  return names.every((name) => typeof (value as Record<string, unknown> | null | undefined)?.[name] === 'function');
}
