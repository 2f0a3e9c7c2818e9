import type { ServerResponse } from 'node:http';
import { type AuthError, IntrospectionError } from '../errors.js';
import type { DpopVerifier } from '../verification/binding/dpop.js';

export interface ChallengeSettings {
  readonly realm: string;
  readonly resourceMetadata: string | undefined;
  /** What every request of this middleware needs. */
  readonly scopes: readonly string[];
  /** Where the scheme DPoP is accepted. */
  readonly dpop: Pick<DpopVerifier, 'algorithms' | 'nonces'> | undefined;
}

const CHALLENGE = 'WWW-Authenticate';
const DPOP_NONCE = 'DPoP-Nonce';
const INTERNAL_SERVER_ERROR = 500;

/** They describe content that will not be sent now. */
const CONTENT_HEADERS = ['Content-Encoding', 'Content-Language', 'Content-Range', 'ETag', 'Last-Modified'];

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
  res?: ServerResponse,
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
export function giveNonce(res: ServerResponse, { dpop }: Pick<ChallengeSettings, 'dpop'>): void {
  const nonce = dpop?.nonces?.current();
  if (nonce === undefined || res.headersSent) return;
  res.setHeader(DPOP_NONCE, nonce);
  res.setHeader('Cache-Control', 'no-store');
}

/** Answers with a rejection, as JSON. Without credentials there is no error to tell (RFC 6750 section 3.1). */
export function answerRejection(res: ServerResponse, error: AuthError): void {
  const body = error.code === undefined ? {} : { error: error.code, error_description: error.message };
  answer(res, error.status, error.headers, body);
}

/** Answers where there is nobody to pass an error to. */
export function answerError(res: ServerResponse, error: unknown): void {
  if (error instanceof IntrospectionError) {
    answer(res, error.status, error.headers, { error: 'temporarily_unavailable' });
  } else {
    answer(res, INTERNAL_SERVER_ERROR, { 'Cache-Control': 'no-store' }, { error: 'server_error' });
  }
}

/** A reply to credentials outside `Authorization` is not for shared caches (RFC 6750 section 2.3, RFC 9111 section 3.5). */
export function markPrivate(res: ServerResponse): void {
  if (!res.headersSent && !res.hasHeader('Cache-Control')) res.setHeader('Cache-Control', 'private');
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
  const [ofBearer, ofDpop] = usesDpop ? [resourceOf(settings), more] : [more, resourceOf(settings)];
  const algorithms = `algs=${quote(dpop.algorithms.join(' '))}`;
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

function existingChallenges(res: ServerResponse | undefined): string[] {
  const existing = res?.getHeader(CHALLENGE);
  return existing === undefined ? [] : [existing].flat().map(String);
}

/** Answers with JSON, or with nothing, in place of whatever was to be sent. HEAD is told the length and given no body (RFC 9110 section 9.3.2). A response already under way is left alone. */
export function answer(
  res: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string | string[]>>,
  body: object | undefined,
): void {
  if (res.headersSent || res.writableEnded) return;
  for (const name of CONTENT_HEADERS) res.removeHeader(name);
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  res.statusCode = status;
  if (body === undefined) {
    res.removeHeader('Content-Type');
    res.removeHeader('Content-Length');
    res.end();
    return;
  }
  const content = Buffer.from(JSON.stringify(body));
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Content-Length', content.byteLength);
  res.end(res.req?.method === 'HEAD' ? undefined : content);
}
