import type { AuthErrorReason, IntrospectionErrorCode } from '../errors.js';
import { OUTAGE_REMEDIES } from './outage-remedies.js';
import { REJECTION_REMEDIES } from './rejection-remedies.js';

/**
 * By name, then by how the detail begins; the first that fits. The last of each list fits every detail. All are fixed texts:
 * nothing of a request, a reply or a secret is in them.
 */
export type Remedies<Name extends string> = Readonly<Record<Name, readonly Remedy[]>>;

export type Remedy = readonly [beginnings: readonly string[], text: string];

/** Every reason and every code. Warnings, the command, README and docs/troubleshooting.md show these texts. */
export const REMEDIES: Remedies<AuthErrorReason | IntrospectionErrorCode> = {
  ...REJECTION_REMEDIES,
  ...OUTAGE_REMEDIES,
};

/** What is probably wrong, and what to do about it. */
export function remedyFor(name: AuthErrorReason | IntrospectionErrorCode, detail = ''): string {
  const fits = ([beginnings]: Remedy) => beginnings.length === 0 || beginnings.some((each) => detail.startsWith(each));
  return REMEDIES[name].find(fits)?.[1] ?? '';
}
