import { SIGNAL_REASONS, SignalError } from '../../lib/signals/signal-error.js';

const REJECTIONS = [
  ['missing_credentials', 'authentication_failed', 'the request has no bearer token'],
  ['malformed_request', 'invalid_request', 'the request does not have the expected form'],
  ['malformed_token', 'invalid_request', 'the token is not a signed JWT'],
  ['wrong_type', 'invalid_request', 'the token has another typ'],
  ['wrong_algorithm', 'invalid_key', 'the algorithm of the signature is not accepted'],
  ['unknown_key', 'invalid_key', 'the issuer publishes no key that fits the signature'],
  ['wrong_signature', 'authentication_failed', 'the signature is not valid'],
  ['wrong_issuer', 'invalid_issuer', 'the token has another iss'],
  ['wrong_audience', 'invalid_audience', 'the token is for another aud'],
  ['wrong_time', 'invalid_request', 'the iat is missing, too old or in the future'],
  ['expired', 'invalid_request', 'the token has expired'],
  ['missing_jti', 'invalid_request', 'the token has no jti'],
  ['other_jti', 'invalid_request', 'the jti is not the one that the response names'],
  ['wrong_events', 'invalid_request', 'the events are missing or malformed'],
  ['wrong_subject', 'invalid_request', 'the subject is missing, malformed or contradictory'],
  ['nonce_present', 'invalid_request', 'a logout token must not have a nonce'],
  ['replayed', 'access_denied', 'the jti was used for another subject'],
] as const;

const OUTAGES = [
  ['keys_unavailable', 'the keys of the issuer cannot be fetched now'],
  ['not_invalidated', 'an invalidation could not be stored'],
  ['poll_failed', 'the transmitter cannot be reached, or its response is not valid'],
  ['subject_failed', 'the option "subject" failed'],
] as const;

it.each(REJECTIONS)('the rejection %s has the error code %s of RFC 8935, and says: %s', (reason, code, message) => {
  const error = new SignalError(reason);
  expect([error.isOutage, error.deliveryError, error.message]).toEqual([false, code, message]);
});

it.each(OUTAGES)('the outage %s has no error code, and says: %s', (reason, message) => {
  const error = new SignalError(reason, 7);
  expect([error.isOutage, error.deliveryError, error.message]).toEqual([true, undefined, message]);
  expect([error.retryAfterSeconds, new SignalError(reason).retryAfterSeconds]).toEqual([7, 1]);
});

it('there are no other reasons', () => {
  expect(SIGNAL_REASONS).toEqual([...REJECTIONS, ...OUTAGES].map(([reason]) => reason));
});
