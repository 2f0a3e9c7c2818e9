/**
 * Remembers which padded token is cached, among tokens that differ only in the number of `=` at their end: `abc=`, `abc==` and so on. At
 * most one of these is cached at a time. The token without padding, `abc`, does not count: it may be cached too.
 */
export interface PaddedTokens {
  /**
   * Notes that a padded token is cached. `digest` is the digest of this token, and `unpaddedDigest` the digest of the token without its
   * padding.
   */
  add(digest: string, unpaddedDigest: string): void;
  remove(digest: string): void;
  /**
   * Returns the digest of a cached padded token. Without its padding, this token has the digest `unpaddedDigest`. Returns `undefined` if no
   * such token is cached.
   */
  cachedDigestOf(unpaddedDigest: string): string | undefined;
}

export function createPaddedTokens(): PaddedTokens {
  const digests = new Map<string, string>();
  const unpaddedDigests = new Map<string, string>();
  return {
    add(digest, unpaddedDigest) {
      digests.set(unpaddedDigest, digest);
      unpaddedDigests.set(digest, unpaddedDigest);
    },
    remove(digest) {
      const unpaddedDigest = unpaddedDigests.get(digest);
      if (unpaddedDigest === undefined) return;
      unpaddedDigests.delete(digest);
      if (digests.get(unpaddedDigest) === digest) digests.delete(unpaddedDigest);
    },
    cachedDigestOf: (unpaddedDigest) => digests.get(unpaddedDigest),
  };
}
