import type { IncomingMessage } from 'node:http';
import type { Invalidation } from '../cache/invalidation.js';
import { ownMember } from '../core/own-members.js';
import { handlePost, type SignalHandler, type SignalResponse } from './handle-post.js';
import { parseSignalOptions, type ScopeOptions, type SignalOptions, type TokenTypeOptions } from './options.js';
import { publishSignal, respondTo } from './publish-signal.js';
import { readForm } from './request-body.js';
import { LOGOUT_RULES } from './rules.js';
import { createSeenSignals } from './seen-signals.js';
import { SignalError } from './signal-error.js';
import { createSignalVerifier, type VerifiedSignal } from './signal-verifier.js';

/**
 * Options of `backChannelLogout()`. The option `audience` is the identifier of the client for which the URL of the handler is registered at
 * the OpenID provider.
 */
export interface BackChannelLogoutOptions extends SignalOptions, TokenTypeOptions, ScopeOptions {}

const BY = 'backChannelLogout';
const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const PARAMETER = 'logout_token';

/**
 * Creates a handler of [OpenID Connect Back-Channel Logout 1.0](https://openid.net/specs/openid-connect-backchannel-1_0.html). When a user
 * logs out, the OpenID provider posts a signed logout token to the handler. The handler invalidates the tokens of the session and the user
 * that the logout token names, as the option `scope` says.
 *
 * The response is 200 when the invalidation is in the `cache.store`, from which the other processes read it. A repeated logout token gets
 * 200 too. The response is 400 for a request or logout token that is not valid. It is 503 with `Retry-After` if the keys of the provider
 * cannot be fetched, or if the store fails.
 *
 * Not checked: that the provider also revokes the tokens. If it does not, the next request with such a token is accepted again.
 *
 * @throws TypeError for a missing, unknown or invalid option
 */
export function backChannelLogout(options: BackChannelLogoutOptions): SignalHandler {
  const { options: parsed, settings } = parseSignalOptions(BY, options, LOGOUT_RULES);
  const { scope, allowJwtType = false } = parsed;
  const verify = createSignalVerifier(settings, 'logout+jwt', allowJwtType);
  const seen = createSeenSignals(settings.clock, settings.keepMs);

  async function logOut(req: IncomingMessage): Promise<SignalResponse> {
    const form = await readForm(req, [PARAMETER]);
    const jwt = ownMember(form, PARAMETER);
    if (typeof jwt !== 'string') throw new SignalError('malformed_request');
    const signal = await verify(jwt);
    const targets = targetsOf(signal, scope);
    const outcome = await seen.once(signal.payload, '', () => settings.invalidate(targets));
    publishSignal({ by: BY, outcome: outcome === 'done' ? 'applied' : 'repeated' });
    return { status: 200, headers: { 'Content-Length': '0' } };
  }

  return function backChannelLogoutHandler(...context) {
    handlePost((req) => respondTo(BY, () => logOut(req), reject), ...context);
  };
}

/** Returns the response to a logout token that was rejected (OpenID Connect Back-Channel Logout 1.0 section 2.8). */
function reject({ message }: SignalError): SignalResponse {
  return { status: 400, body: { error: 'invalid_request', error_description: message } };
}

/**
 * Checks the claims that only logout tokens have (OpenID Connect Back-Channel Logout 1.0 section 2.6). Returns what to invalidate.
 *
 * @throws SignalError
 */
function targetsOf({ claims }: VerifiedSignal, scope: ScopeOptions['scope']): Invalidation[] {
  const event = ownMember(ownMember(claims, 'events'), EVENT);
  if (typeof event !== 'object' || event === null || Array.isArray(event)) throw new SignalError('wrong_events');
  if (ownMember(claims, 'nonce') !== undefined) throw new SignalError('nonce_present');
  const [sub, sid] = [textOf(claims, 'sub'), textOf(claims, 'sid')];
  const ofSession = sid === undefined ? [] : [{ sid }];
  const ofSubject = sub === undefined || (scope === 'session' && sid !== undefined) ? [] : [{ sub }];
  if (ofSession.length + ofSubject.length === 0) throw new SignalError('wrong_subject');
  return [...ofSession, ...ofSubject];
}

function textOf(claims: object, name: 'sub' | 'sid'): string | undefined {
  const text = ownMember(claims, name);
  if (text !== undefined && (typeof text !== 'string' || text === '')) throw new SignalError('wrong_subject');
  return text;
}
