import { AuthError, type AuthErrorReason, IntrospectionError, type IntrospectionErrorCode } from '../core/errors.js';
import { checkOptions } from '../core/option-check.js';
import { optionError } from '../core/option-error.js';
import { ownMembers } from '../core/own-members.js';

/**
 * Why a token has ended: the `reason` of an `AuthError`, such as `expired` or `inactive`, the `code` of an `IntrospectionError`, such as
 * `timeout` or `closed`, or `internal_error` if a function of the app threw.
 */
export type TokenEndReason = AuthErrorReason | IntrospectionErrorCode | 'internal_error';

/** Options of `endWithToken()` and `streamGuard()`. */
export interface StreamOptions {
  /**
   * Text of the last event that an event stream gets when its token ends, with the empty line at its end. Browsers pass an event on only if
   * it has a `data` line, such as in `'event: token-expired\ndata:\n\n'`. Responses that are no event stream do not get this text. Default:
   * no last event.
   */
  readonly lastEvent?: string | undefined;
  /**
   * Is called when the token ends, with the reason and the error. The function may write to the response and end it. If it does not end the
   * response, the library ends it as it would without `onEnd`: when the promise of the function settles, and after 1 second at the latest.
   * If the function throws, its error is dropped with a process warning.
   */
  readonly onEnd?: ((reason: TokenEndReason, error: unknown) => unknown) | undefined;
}

/** Two line ends. A line of an event stream ends with CR LF, LF or CR, and CR LF is one line end. */
const EMPTY_LINE_AT_END = /(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)$/;

/**
 * Checks and copies the options.
 *
 * @throws TypeError for an unknown or invalid option
 */
export function parseStreamOptions(options: StreamOptions): StreamOptions {
  const given = ownMembers(Object(options)) as StreamOptions;
  checkOptions(given, ['lastEvent', 'onEnd']);
  const { lastEvent, onEnd } = given;
  if (lastEvent !== undefined && !(typeof lastEvent === 'string' && EMPTY_LINE_AT_END.test(lastEvent))) {
    throw optionError(
      'lastEvent',
      lastEvent,
      "write an event with an empty line at its end, such as 'data: bye\\n\\n'",
    );
  }
  if (onEnd !== undefined && typeof onEnd !== 'function') throw optionError('onEnd', onEnd, 'write a function');
  return { lastEvent, onEnd };
}

export function reasonOf(error: unknown): TokenEndReason {
  if (error instanceof AuthError) return error.reason;
  return error instanceof IntrospectionError ? error.code : 'internal_error';
}
