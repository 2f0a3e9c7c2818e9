/**
 * Finds the padded token that is cached, among those that differ only in the number of `=` at their end: `abc=`, `abc==` and so on. At
 * most one of these is cached. The token without padding, `abc`, is not among them.
 */
export interface PaddedTokens {
  /** Notes that a padded token is cached. */
  add(digest: string, unpaddedDigest: string): void;
  remove(digest: string): void;
  /** Digest of the padded token that is cached; `undefined` if there is none. */
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
