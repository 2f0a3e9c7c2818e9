import type { IncomingMessage, ServerResponse } from 'node:http';
import { type AuthError, IntrospectionError } from '../core/errors.js';
import type { DpopVerifier } from '../verification/sender/dpop.js';

export interface ChallengeSettings {
  readonly realm: string;
  readonly resourceMetadata: string | undefined;
  /** What every request of this middleware needs. */
  readonly scopes: readonly string[];
  /** Where the scheme DPoP is accepted. */
  readonly dpop: Pick<DpopVerifier, 'algorithms' | 'isRequired' | 'nonces'> | undefined;
}

/** The members of a response that are needed, then those that are used where they exist: not every response is one of Node's. */
export type ResponseLike = Pick<ServerResponse, 'getHeader' | 'setHeader' | 'end' | 'statusCode'> &
  Partial<Pick<ServerResponse, 'headersSent' | 'writableEnded' | 'removeHeader' | 'destroy'>>;

const CHALLENGE = 'WWW-Authenticate';
const DPOP_NONCE = 'DPoP-Nonce';
const INTERNAL_SERVER_ERROR = 500;

/** They describe content that will not be sent now. */
const CONTENT_HEADERS = [
  'Content-Encoding',
  'Content-Language',
  'Content-Length',
  'Content-Range',
  'Content-Type',
  'ETag',
  'Last-Modified',
];

/**
 * Gives a rejection its headers: the challenges behind those already on the response, and `Cache-Control`.
 *
 * @param scopes what the guards of the route need, besides the middleware's own
 * @param usesDpop whether the credentials came under that scheme
 */
export function addChallenge(
  error: AuthError,
  settings: ChallengeSettings,
  scopes: readonly string[] = [],
  res?: Partial<ResponseLike>,
  usesDpop = false,
): void {
  const challenges = [...existingChallenges(res), ...renderChallenges(error, settings, scopes, usesDpop)];
  const nonce = usesDpop ? settings.dpop?.nonces?.current() : undefined;
  error.headers = {
    [CHALLENGE]: challenges.length === 1 ? (challenges[0] as string) : challenges,
    ...(nonce !== undefined && { [DPOP_NONCE]: nonce }),
    'Cache-Control': 'no-store',
  };
}

/** Gives the client the nonce for its next proof (RFC 9449 section 8.2), in a response that nobody keeps. */
export function giveNonce(res: ResponseLike, { dpop }: Pick<ChallengeSettings, 'dpop'>): void {
  const nonce = dpop?.nonces?.current();
  if (nonce === undefined || res.headersSent || !hasMembers(res)) return;
  res.setHeader(DPOP_NONCE, nonce);
  res.setHeader('Cache-Control', 'no-store');
}

/** Answers with a rejection, as JSON. Without credentials there is no error to tell (RFC 6750 section 3.1). */
export function answerRejection(req: IncomingMessage, res: ResponseLike, error: AuthError): void {
  const body = error.code === undefined ? {} : { error: error.code, error_description: error.message };
  answer(req, res, error.status, error.headers, body);
}

/** Answers where there is nobody to pass an error to. It never throws: when the answer fails too, the connection is closed. */
export function answerError(req: IncomingMessage, res: Partial<ResponseLike> | undefined, error: unknown): void {
  try {
    if (!isAnswerable(res)) {
      cutOff(res);
    } else if (error instanceof IntrospectionError) {
      answer(req, res, error.status, error.headers, { error: 'temporarily_unavailable' });
    } else {
      answer(req, res, INTERNAL_SERVER_ERROR, { 'Cache-Control': 'no-store' }, { error: 'server_error' });
    }
  } catch {
    cutOff(res);
  }
}

/**
 * Whether a rejection can be written to it, or has been answered already. Wrappers for other frameworks pass an empty object as the
 * response.
 */
export function isAnswerable(res: Partial<ResponseLike> | undefined): res is ResponseLike {
  return hasMembers(res) && !isUnfinished(res);
}

/** Whether it has what is needed to write a rejection. */
function hasMembers(res: Partial<ResponseLike> | undefined): res is ResponseLike {
  return [res?.getHeader, res?.setHeader, res?.end].every((member) => typeof member === 'function');
}

/** Whether somebody else has sent its headers, but not its end. */
function isUnfinished({ headersSent, writableEnded }: Partial<ResponseLike>): boolean {
  return headersSent === true && writableEnded !== true;
}

function cutOff(res: Partial<ResponseLike> | undefined): void {
  try {
    res?.destroy?.();
  } catch {
    // There is no other way to close the connection.
  }
}

/** A reply to credentials outside `Authorization` is not for shared caches (RFC 6750 section 2.3, RFC 9111 section 3.5). */
export function markPrivate(res: ResponseLike): void {
  if (res.headersSent || !hasMembers(res)) return;
  if (res.getHeader('Cache-Control') === undefined) res.setHeader('Cache-Control', 'private');
}

/** One for each scheme that is accepted; the error is that of the scheme that was used (RFC 9449 section 7.2). */
function renderChallenges(
  error: AuthError,
  settings: ChallengeSettings,
  guardScopes: readonly string[],
  usesDpop: boolean,
): string[] {
  const { dpop } = settings;
  const common = [`realm=${quote(settings.realm)}`];
  const more = [...parametersOf(error, settings, guardScopes)];
  if (dpop === undefined) return [`Bearer ${[...common, ...more].join(', ')}`];
  const algorithms = `algs=${quote(dpop.algorithms.join(' '))}`;
  if (dpop.isRequired) return [`DPoP ${[...common, ...more, algorithms].join(', ')}`];
  const [ofBearer, ofDpop] = usesDpop ? [resourceOf(settings), more] : [more, resourceOf(settings)];
  return [`Bearer ${[...common, ...ofBearer].join(', ')}`, `DPoP ${[...common, ...ofDpop, algorithms].join(', ')}`];
}

/** RFC 6750 section 3, RFC 9470 section 3, RFC 9728 section 5.1: each parameter once, each quoted. */
function parametersOf(error: AuthError, settings: ChallengeSettings, guardScopes: readonly string[]): string[] {
  const parameters: string[] = [];
  if (error.code !== undefined) {
    parameters.push(`error=${quote(error.code)}`, `error_description=${quote(error.message)}`);
  }
  const scopes = namesScopes(error) ? new Set([...settings.scopes, ...guardScopes, ...error.scopes]) : new Set();
  if (scopes.size > 0) parameters.push(`scope=${quote([...scopes].join(' '))}`);
  const acrValues = error.authentication?.acrValues ?? [];
  const maxAgeSeconds = error.authentication?.maxAgeSeconds;
  if (acrValues.length > 0) parameters.push(`acr_values=${quote(acrValues.join(' '))}`);
  if (maxAgeSeconds !== undefined) parameters.push(`max_age=${quote(String(maxAgeSeconds))}`);
  return [...parameters, ...resourceOf(settings)];
}

function resourceOf({ resourceMetadata }: ChallengeSettings): string[] {
  return resourceMetadata === undefined ? [] : [`resource_metadata=${quote(resourceMetadata)}`];
}

/** Other scopes mend neither a malformed request nor a claim, nor how the user authenticated. */
function namesScopes({ status, reason }: AuthError): boolean {
  return (status === 401 && reason !== 'insufficient_user_authentication') || reason === 'insufficient_scope';
}

/** RFC 9110 section 5.6.4. Options are held to printable ASCII when they are parsed, so no value can end the line. */
function quote(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
}

function existingChallenges(res: Partial<ResponseLike> | undefined): string[] {
  const existing = res?.getHeader?.(CHALLENGE);
  return existing === undefined ? [] : [existing].flat().map(String);
}

/**
 * Answers with JSON, or with nothing, instead of what was to be sent. HEAD is told the length and given no body (RFC 9110 section
 * 9.3.2). A response that has ended is left alone.
 *
 * @throws Error for a response whose headers were sent, because the client would wait for its end for ever
 * @throws what the response throws; an answer by somebody else then starts without our status and headers
 */
export function answer(
  { method }: IncomingMessage,
  res: ResponseLike,
  status: number,
  headers: Readonly<Record<string, string | string[]>>,
  body: object | undefined,
): void {
  if (res.writableEnded) return;
  if (res.headersSent) throw new Error('The headers of the response were sent already');
  const { statusCode } = res;
  const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  try {
    for (const name of CONTENT_HEADERS) res.removeHeader?.(name);
    for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
    res.statusCode = status;
    if (content !== undefined) {
      res.setHeader('Content-Type', 'application/json; charset=utf-8');
      res.setHeader('Content-Length', content.byteLength);
    }
    res.end(method === 'HEAD' ? undefined : content);
  } catch (error) {
    if (!res.headersSent) withdraw(res, statusCode, Object.keys(headers));
    throw error;
  }
}

/** Takes an answer back that could not be sent. */
function withdraw(res: ResponseLike, statusCode: number, names: readonly string[]): void {
  res.statusCode = statusCode;
  for (const name of [...names, ...CONTENT_HEADERS]) res.removeHeader?.(name);
}
