import { AuthError } from '../core/errors.js';
import { ownMember } from '../core/own-members.js';
import { publishFailure } from '../middleware/reject.js';
import { sessionBehind } from '../middleware/session.js';
import type { TokenIntrospection } from '../middleware/types.js';
import { endCodeOf } from '../monitoring/end-failure.js';
import { requireSameUser } from '../monitoring/same-user.js';
import { type AuthenticatedSocket, BY, monitorSocket, publishSession, reportError } from './authenticated-socket.js';
import type { AnyIoSocket } from './io-socket.js';

/** Name of the event by which a client presents a new token. */
export const REAUTHENTICATE = 'reauthenticate';

/**
 * Verifies a new token of the client. If it is accepted, it is monitored instead of the present token. The acknowledgement tells the client
 * the result: an empty object if the token was accepted, otherwise `{ error }`. After an error, the present token still counts. While
 * another new token is being verified, the result is the error `temporarily_unavailable`.
 *
 * @param values the values of the event: an object with the token, and the acknowledgement
 */
export async function reauthenticate(
  socket: AnyIoSocket,
  authenticated: AuthenticatedSocket,
  { introspect }: Pick<TokenIntrospection, 'introspect'>,
  values: readonly unknown[],
): Promise<void> {
  const acknowledge = values.at(-1);
  const respond = (result: { readonly error?: string }) => {
    if (typeof acknowledge === 'function') acknowledge(result);
  };
  if (authenticated.isRenewing) {
    respond({ error: 'temporarily_unavailable' });
    return;
  }
  authenticated.isRenewing = true;
  try {
    const session = sessionBehind(await introspect(requireText(ownMember(values[0], 'token'))));
    if (session === undefined) throw new Error('The middleware returned claims without a session');
    requireSameUser(authenticated.session.token.record.claims, session.token.record.claims);
    if (authenticated.hasEnded || !socket.connected) throw new AuthError('inactive');
    monitorSocket(socket, authenticated, session);
    publishSession(session);
    respond({});
  } catch (error) {
    publishFailure(error, BY, undefined, { error });
    reportError(authenticated.onError, error);
    respond({ error: endCodeOf(error) });
  }
  authenticated.isRenewing = false;
}

/** @throws AuthError for a token that is no text, because clients may send anything */
export function requireText(token: unknown): string {
  if (typeof token === 'string') return token;
  throw new AuthError('malformed_credentials');
}
