import type { IncomingMessage } from 'node:http';
import { ownMember } from '../core/own-members.js';
import { isRepeated, ownHeader } from '../credentials/headers.js';
import { handlePost, type SignalHandler, type SignalResponse } from './handle-post.js';
import { parseSignalOptions, type SignalOptions, type SubjectOptions, type TokenTypeOptions } from './options.js';
import { publishSignal, respondTo } from './publish-signal.js';
import { readJson } from './request-body.js';
import { REVOCATION_RULES } from './rules.js';
import { createSeenSignals } from './seen-signals.js';
import { SignalError } from './signal-error.js';
import { createSignalVerifier } from './signal-verifier.js';
import { targetsOf } from './subject.js';

/**
 * Options of `globalTokenRevocation()`. The option `audience` is the URL of the handler, exactly as the caller writes it in the `aud` of
 * its JWT. With `allowJwtType`, an access token of the issuer is enough to revoke the tokens of any user, if a client can get one for that
 * URL.
 */
export interface GlobalTokenRevocationOptions extends SignalOptions, TokenTypeOptions, SubjectOptions {}

const BY = 'globalTokenRevocation';
const TYPE = 'global-token-revocation+jwt';
const DONE = { status: 204 };
const NOT_FOUND = { status: 404, body: { error: 'not_found' } };

/**
 * Creates a handler of [Global Token Revocation](https://datatracker.ietf.org/doc/draft-parecki-oauth-global-token-revocation/) requests,
 * such as those of Okta Universal Logout. The caller authenticates by a signed JWT with `typ: global-token-revocation+jwt`, and names a subject in the member `sub_id` of a JSON
 * body. The handler invalidates the tokens of the subject.
 *
 * The response is 204 when the invalidation is in the `cache.store`, from which the other processes read it. Other responses: 400 for a
 * request that is not valid. 401 for a request without a JWT, and for a JWT that is not valid or was used for another subject. 404 for a
 * subject of another issuer. 404 also for an identifier that only the option `subject` can map to tokens, such as an `email`, if this
 * option is missing or returns `undefined`. 503 with `Retry-After` if the keys of the issuer cannot be fetched, or if the store fails.
 *
 * Not checked: that the authorization server also ends the tokens and the sessions, and that a JWT was not used for another subject in
 * another process. Each process remembers only the JWTs that it received.
 *
 * @throws TypeError for a missing, unknown or invalid option, and for an `audience` that is not a URL
 */
export function globalTokenRevocation(options: GlobalTokenRevocationOptions): SignalHandler {
  const { options: parsed, settings } = parseSignalOptions(BY, options, REVOCATION_RULES);
  const { subject, allowJwtType = false } = parsed;
  const subjects = { issuer: settings.issuer, subject };
  const verify = createSignalVerifier(settings, TYPE, allowJwtType);
  const seen = createSeenSignals(settings.clock, settings.keepMs);

  async function revoke(req: IncomingMessage): Promise<SignalResponse> {
    const { jti } = await verify(readBearer(req));
    const identifier = ownMember(await readJson(req), 'sub_id');
    const targets = await targetsOf(identifier, subjects);
    if (typeof targets === 'string') {
      publishSignal({ by: BY, outcome: targets });
      return NOT_FOUND;
    }
    // The JWT does not contain the subject. Without this check, somebody with an old JWT could name another subject.
    const outcome = await seen.once(jti, JSON.stringify(identifier), () => settings.invalidate(targets));
    if (outcome === 'conflict') throw new SignalError('replayed');
    publishSignal({ by: BY, outcome: outcome === 'done' ? 'applied' : 'repeated' });
    return DONE;
  }

  return function globalTokenRevocationHandler(...context) {
    handlePost((req) => respondTo(BY, () => revoke(req), reject), ...context);
  };
}

/** @throws SignalError `missing_credentials` */
function readBearer(req: IncomingMessage): string {
  const [, token] = /^bearer +(\S+)$/i.exec(ownHeader(req, 'authorization') ?? '') ?? [];
  if (token === undefined || isRepeated(req, 'authorization')) throw new SignalError('missing_credentials');
  return token;
}

function reject({ reason, message }: SignalError): SignalResponse {
  if (reason === 'wrong_subject') {
    return { status: 400, body: { error: 'invalid_request', error_description: message } };
  }
  const challenge = reason === 'missing_credentials' ? 'Bearer' : 'Bearer error="invalid_token"';
  return { status: 401, headers: { 'WWW-Authenticate': challenge }, body: {} };
}
