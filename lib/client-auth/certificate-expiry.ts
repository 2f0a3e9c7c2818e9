import { X509Certificate } from 'node:crypto';

const A_DAY_MS = 86_400_000;

/** The warning starts 14 days before the certificate expires, or later for a short-lived certificate. */
const WARNING_MS = 14 * A_DAY_MS;

/** For a certificate that is valid for less than 56 days, the warning starts when this share of its validity is left. */
const WARNING_SHARE = 0.25;

/**
 * Returns the text of a warning when a client certificate has expired, or expires in less than 14 days or a quarter of its validity,
 * whichever is shorter. Otherwise returns `undefined`, also for a value that is not a certificate. If `cert` is a chain, only its first
 * certificate is read.
 */
export function expiryWarning(cert: unknown, now: number): string | undefined {
  const validity = validityOf(cert);
  if (validity === undefined) return undefined;
  const { from, to } = validity;
  const left = to - now;
  if (left >= Math.min(WARNING_MS, (to - from) * WARNING_SHARE)) return undefined;
  const date = new Date(to).toISOString().slice(0, 10);
  return left > 0
    ? `The client certificate expires on ${date}, in ${Math.floor(left / A_DAY_MS)} days. Renew it before that date, because the authorization server rejects it afterwards.`
    : `The client certificate expired on ${date}. Renew it, because the authorization server rejects it.`;
}

function validityOf(cert: unknown): { readonly from: number; readonly to: number } | undefined {
  if (typeof cert !== 'string' && !Buffer.isBuffer(cert)) return undefined;
  try {
    const { validFrom, validTo } = new X509Certificate(cert);
    const validity = { from: Date.parse(validFrom), to: Date.parse(validTo) };
    return Number.isNaN(validity.from + validity.to) ? undefined : validity;
  } catch {
    // Not a certificate. The TLS connection reports that error.
    return undefined;
  }
}
