// The authorization server of a run: what it issued and revoked, and its response to each introspection request.
import { EPOCH_MS } from '../model/machine.mjs';

/** @param time reads the milliseconds since the run started */
export function createAuthorizationServer({ tokens, audience, time }) {
  const issued = new Map(tokens.map((token) => [token.name, { ...token, revokedAt: Number.POSITIVE_INFINITY }]));

  return {
    find: (name) => issued.get(name),
    issue: (token) => void issued.set(token.name, { ...token, revokedAt: Number.POSITIVE_INFINITY }),
    all: () => [...issued.values()],
    /** @param target such as `token token-1` or `sub alice` */
    revoke(target) {
      for (const token of issued.values()) {
        if (isTarget(target, token)) token.revokedAt = Math.min(token.revokedAt, time());
      }
    },
    /**
     * Decides about a token. An active response names its introspection request in the claim `call`, so it is known for each admitted
     * request which response it was admitted by.
     */
    respond(name, call) {
      const token = issued.get(name);
      const isActive = token !== undefined && time() < token.revokedAt && !(EPOCH_MS + time() >= token.exp * 1000);
      if (!isActive) return { active: false };
      const { sub, scope, jti, exp } = token;
      return { active: true, sub, scope, jti, exp, aud: audience, client_id: 'app', token_type: 'Bearer', call };
    },
  };
}

export function isTarget(target, token) {
  const [kind, value] = target.split(' ');
  return kind === 'sub' ? token.sub === value : token.name === value;
}
