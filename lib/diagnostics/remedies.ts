import type { AuthErrorReason, IntrospectionErrorCode } from '../core/errors.js';
import { OUTAGE_REMEDIES } from './outage-remedies.js';
import { REJECTION_REMEDIES } from './rejection-remedies.js';
import type { Remedies, Remedy } from './remedy.js';

/** Remedies for every reason and every code. Warnings, the command, README and docs/troubleshooting.md show these texts. */
export const REMEDIES: Remedies<AuthErrorReason | IntrospectionErrorCode> = {
  ...REJECTION_REMEDIES,
  ...OUTAGE_REMEDIES,
};

/** Returns a text that says what is probably wrong and what to do. `detail` selects among several remedies for one name. */
export function remedyFor(name: AuthErrorReason | IntrospectionErrorCode, detail = ''): string {
  const fits = ([beginnings]: Remedy) =>
    beginnings.length === 0 || beginnings.some((beginning) => detail.startsWith(beginning));
  return REMEDIES[name].find(fits)?.[1] ?? '';
}
