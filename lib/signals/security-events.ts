import type { IncomingMessage } from 'node:http';
import { createApplyEvent } from './apply-event.js';
import { handlePost, type SignalHandler, type SignalResponse } from './handle-post.js';
import {
  parseSignalOptions,
  type ScopeOptions,
  type SignalOptions,
  type SubjectOptions,
  type TokenTypeOptions,
} from './options.js';
import { respondTo } from './publish-signal.js';
import { readText } from './request-body.js';
import { EVENT_RULES } from './rules.js';
import { SignalError } from './signal-error.js';
import { createSignalVerifier } from './signal-verifier.js';

/** Options of `securityEvents()`. */
export interface SecurityEventsOptions extends SignalOptions, TokenTypeOptions, ScopeOptions, SubjectOptions {}

const BY = 'securityEvents';
const MEDIA_TYPE = 'application/secevent+jwt';
const ACCEPTED = { status: 202, headers: { 'Content-Length': '0' } };

/**
 * Creates a handler of security event tokens that a transmitter pushes ([RFC 8935](https://www.rfc-editor.org/rfc/rfc8935)). Events of CAEP
 * 1.0 and RISC 1.0 invalidate the tokens of their subject; the guide lists them. All other events are accepted without effect.
 *
 * The response is 202 when the invalidation is in the `cache.store`, from which the other processes read it. It is also 202 for a repeated
 * security event token, and if it is not known which tokens belong to the subject. The response is 400 with `err` for a request or security
 * event token that is not valid. It is 503 with `Retry-After` if the keys of the issuer cannot be fetched, or if the store fails.
 *
 * Not checked: an `Authorization` header of the transmitter. The signature authenticates each token.
 *
 * @throws TypeError for a missing, unknown or invalid option
 */
export function securityEvents(options: SecurityEventsOptions): SignalHandler {
  const { options: parsed, settings } = parseSignalOptions(BY, options, EVENT_RULES);
  const { subject, scope, allowJwtType = false } = parsed;
  const verify = createSignalVerifier(settings, 'secevent+jwt', allowJwtType);
  const apply = createApplyEvent(BY, settings, { issuer: settings.issuer, subject, scope });

  async function receive(req: IncomingMessage): Promise<SignalResponse> {
    const jwt = await readText(req, MEDIA_TYPE);
    if (jwt === undefined) throw new SignalError('malformed_request');
    await apply(await verify(jwt.trim()));
    return ACCEPTED;
  }

  return function securityEventsHandler(...context) {
    handlePost((req) => respondTo(BY, () => receive(req), reject), ...context);
  };
}

/** Returns the response to a security event token that was rejected (RFC 8935 section 2.3). */
function reject({ deliveryError, message }: SignalError): SignalResponse {
  return { status: 400, headers: { 'Content-Language': 'en' }, body: { err: deliveryError, description: message } };
}
