import { freezeNested } from '../freeze-nested.js';
import type { Claims } from '../types.js';

/** Makes `scope` a string and freezes what is nested; `undefined` when that is nested too deeply. */
export function prepareClaims(response: Readonly<Record<string, unknown>>): Claims | undefined {
  const { scope = '' } = response;
  const claims = { ...response, active: true as const, scope: Array.isArray(scope) ? scope.join(' ') : String(scope) };
  return freezeNested(claims) ? claims : undefined;
}

export function parseScopes(scope: string): readonly string[] {
  return Object.freeze(scope.split(' ').filter((name) => name !== ''));
}
