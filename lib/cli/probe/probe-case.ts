import { printable } from '../../diagnostics/printable.js';
import type { ProbeRequest, ProbeResponse } from './send.js';

/** What the cases know: the URL, the tokens, and a way to send requests. */
export interface ProbeContext {
  readonly url: URL;
  /** A token that the API accepts; `undefined` if none was given. */
  readonly token: string | undefined;
  /** A token that is valid, but lacks a scope that the API requires; `undefined` if none was given. */
  readonly narrowToken: string | undefined;
  /** A token that no server has issued. */
  readonly unknownToken: string;
  /** Sends a request. An equal request is sent only once, unless it is `repeated`. */
  send(request: ProbeRequest, repeated?: boolean): Promise<ProbeResponse>;
}

/** The result of a case: as the specification says, different, or not found out. */
export interface Finding {
  readonly outcome: 'ok' | 'differs' | 'skipped';
  /** The response in a few words, or why nothing was sent. */
  readonly saw: string;
}

/** One thing that the probe finds out about an API. */
export interface ProbeCase {
  /** Stable name for scripts. */
  readonly id: string;
  readonly title: string;
  /** The specification, such as `RFC 6750 section 3`. */
  readonly section: string;
  /** The rule of this section, in our words. */
  readonly rule: string;
  /** What to change when the API differs. */
  readonly remedy: string;
  /** The token that the case needs; nothing if it needs none. */
  readonly needs?: 'token' | 'narrowToken';
  run(context: ProbeContext): Promise<Finding>;
}

/** Status codes for a request that cannot be read as one token. Both are in RFC 6750 section 3.1. */
export const REJECTED: readonly number[] = [400, 401];

export function isSuccess({ status }: ProbeResponse): boolean {
  return status >= 200 && status < 300;
}

export function bearer(value: string): ProbeRequest {
  return { headers: { Authorization: `Bearer ${value}` } };
}

/** The finding for a response. `isAsExpected` is whether the API does as the specification says. */
export function finding(response: ProbeResponse, isAsExpected: boolean, note = describe(response)): Finding {
  return { outcome: isAsExpected ? 'ok' : 'differs', saw: printable(note) };
}

export function skipped(saw: string): Finding {
  return { outcome: 'skipped', saw };
}

/** The error code of the first challenge that has one. */
export function errorCode({ challenges = [] }: ProbeResponse): string | undefined {
  return challenges.map(({ parameters }) => parameters.get('error')).find((code) => code !== undefined);
}

export function parameter({ challenges = [] }: ProbeResponse, name: string): string | undefined {
  return challenges.map(({ parameters }) => parameters.get(name)).find((value) => value !== undefined);
}

export function hasScheme({ challenges = [] }: ProbeResponse, ...schemes: readonly string[]): boolean {
  return challenges.some(({ scheme }) => schemes.includes(scheme));
}

/** The status and the challenge of a response. */
function describe(response: ProbeResponse): string {
  const challenge = response.header('www-authenticate');
  if (challenge === undefined) return `${response.status} without WWW-Authenticate`;
  return `${response.status} with WWW-Authenticate: ${challenge}`;
}

/** Sends a request that the API must reject with one of these status codes. */
export function rejects(
  request: (context: ProbeContext) => ProbeRequest | undefined,
  statuses: readonly number[] = REJECTED,
): ProbeCase['run'] {
  return async (context) => {
    const sent = request(context);
    if (sent === undefined) return skipped('this URL or token has no such form');
    const response = await context.send(sent);
    return finding(response, statuses.includes(response.status));
  };
}

/** Sends a request for another path, which must not be let through. Every status except 2xx and 5xx is right, such as 404. */
export function staysClosed(request: (context: ProbeContext) => ProbeRequest | undefined): ProbeCase['run'] {
  return async (context) => {
    const sent = request(context);
    if (sent === undefined) return skipped('this URL has no such form');
    const response = await context.send(sent);
    if (!isSuccess(response)) return finding(response, response.status < 500);
    const missing = await context.send({ target: `${context.url.pathname}-${context.unknownToken}` });
    return isSuccess(missing) ? skipped('the server has a page for every path') : finding(response, false);
  };
}
