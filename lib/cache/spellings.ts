/** Which is in memory of the padded tokens that differ only in their padding: `abc=`, `abc==` and so on. */
export interface PaddedTokens {
  /** Notes that a padded token is in memory. */
  add(key: string, unpaddedKey: string): void;
  remove(key: string): void;
  /** The key of the padded token that is in memory. */
  keyOf(unpaddedKey: string): string | undefined;
}

export function createPaddedTokens(): PaddedTokens {
  const keys = new Map<string, string>();
  const unpaddedKeys = new Map<string, string>();
  return {
    add(key, unpaddedKey) {
      keys.set(unpaddedKey, key);
      unpaddedKeys.set(key, unpaddedKey);
    },
    remove(key) {
      const unpaddedKey = unpaddedKeys.get(key);
      if (unpaddedKey === undefined) return;
      unpaddedKeys.delete(key);
      if (keys.get(unpaddedKey) === key) keys.delete(unpaddedKey);
    },
    keyOf: (unpaddedKey) => keys.get(unpaddedKey),
  };
}
