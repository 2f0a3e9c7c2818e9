/** Error codes of [RFC 8935 section 2.4](https://www.rfc-editor.org/rfc/rfc8935#section-2.4). */
type DeliveryError =
  | 'invalid_request'
  | 'invalid_key'
  | 'invalid_issuer'
  | 'invalid_audience'
  | 'authentication_failed'
  | 'access_denied';

/** The reasons for which a signal is rejected: for each, the error code of RFC 8935, and a text. */
const REJECTIONS = {
  missing_credentials: ['authentication_failed', 'the request has no bearer token'],
  malformed_request: ['invalid_request', 'the request does not have the expected form'],
  malformed_token: ['invalid_request', 'the token is not a signed JWT'],
  wrong_type: ['invalid_request', 'the token has another typ'],
  wrong_algorithm: ['invalid_key', 'the algorithm of the signature is not accepted'],
  unknown_key: ['invalid_key', 'the issuer publishes no key that fits the signature'],
  wrong_signature: ['authentication_failed', 'the signature is not valid'],
  wrong_issuer: ['invalid_issuer', 'the token has another iss'],
  wrong_audience: ['invalid_audience', 'the token is for another aud'],
  wrong_time: ['invalid_request', 'the iat is missing, too old or in the future'],
  expired: ['invalid_request', 'the token has expired'],
  missing_jti: ['invalid_request', 'the token has no jti'],
  other_jti: ['invalid_request', 'the jti is not the one that the response names'],
  wrong_events: ['invalid_request', 'the events are missing or malformed'],
  wrong_subject: ['invalid_request', 'the subject is missing, malformed or contradictory'],
  nonce_present: ['invalid_request', 'a logout token must not have a nonce'],
  replayed: ['access_denied', 'the jti was used for another subject'],
} as const satisfies Readonly<Record<string, readonly [DeliveryError, string]>>;

/** The reasons for which a signal cannot be handled now, each with a text. The sender should send the signal again. */
const OUTAGES = {
  keys_unavailable: 'the keys of the issuer cannot be fetched now',
  not_invalidated: 'an invalidation could not be stored',
  poll_failed: 'the transmitter cannot be reached, or its response is not valid',
  subject_failed: 'the option "subject" failed',
} as const;

export type SignalRejection = keyof typeof REJECTIONS;
export type SignalOutage = keyof typeof OUTAGES;

/** All reasons of rejections and outages. The guide must list all of them. */
export const SIGNAL_REASONS: readonly string[] = [...Object.keys(REJECTIONS), ...Object.keys(OUTAGES)];

/** The error for a signal that was rejected or could not be handled. Its messages are fixed texts, which contain no part of the signal. */
export class SignalError extends Error {
  readonly retryAfterSeconds: number;

  /** @param retryAfterSeconds seconds after which the sender may try again; only for an outage */
  constructor(
    readonly reason: SignalRejection | SignalOutage,
    retryAfterSeconds = 1,
  ) {
    super(isOutage(reason) ? OUTAGES[reason] : REJECTIONS[reason][1]);
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** Whether the signal may be valid, but could not be handled now. */
  get isOutage(): boolean {
    return isOutage(this.reason);
  }

  /** The error code of RFC 8935; `undefined` for an outage. */
  get deliveryError(): DeliveryError | undefined {
    return isOutage(this.reason) ? undefined : REJECTIONS[this.reason][0];
  }
}

function isOutage(reason: SignalRejection | SignalOutage): reason is SignalOutage {
  return Object.hasOwn(OUTAGES, reason);
}
