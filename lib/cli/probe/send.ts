import { request as sendHttp } from 'node:http';
import { request as sendHttps } from 'node:https';
import { USER_AGENT } from '../../introspection/user-agent.js';
import { type Challenge, parseChallenges } from './challenges.js';

/** One request of the probe. What is left out is that of a plain GET of the probed URL, without credentials. */
export interface ProbeRequest {
  readonly method?: 'GET' | 'HEAD' | 'OPTIONS';
  /** Path and query, sent exactly as written. */
  readonly target?: string;
  /** A list of values is sent as several header lines. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
}

/** The response, as far as the probe reads it. */
export interface ProbeResponse {
  readonly status: number;
  /** All values of a header, which is named in lower case, joined by commas; `undefined` if the response has none. */
  header(name: string): string | undefined;
  /** The parsed `WWW-Authenticate`; `undefined` if it is malformed, empty if it is missing. */
  readonly challenges: readonly Challenge[] | undefined;
  /** The first 64 kB of the body. */
  readonly body: string;
}

const MAX_BODY_BYTES = 65_536;

/**
 * Sends one request over a connection of its own, and never follows a redirect.
 *
 * @throws an error of Node when no response came within `timeoutMs` milliseconds
 */
export function sendOnce(url: URL, request: ProbeRequest, timeoutMs: number): Promise<ProbeResponse> {
  const { method = 'GET', target = url.pathname + url.search, headers = {}, body } = request;
  const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
  const options = {
    method,
    path: target,
    agent: false,
    headers: { Accept: '*/*', 'User-Agent': USER_AGENT, ...length, ...(headers as Record<string, string | string[]>) },
    signal: AbortSignal.timeout(timeoutMs),
  };
  return new Promise((resolve, reject) => {
    const sent = (url.protocol === 'https:' ? sendHttps : sendHttp)(url, options, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const finish = () => resolve(readResponse(response.statusCode ?? 0, response.rawHeaders, Buffer.concat(chunks)));
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk.subarray(0, MAX_BODY_BYTES - size));
        size += chunk.length;
        if (size < MAX_BODY_BYTES) return;
        // An endless response, such as a stream of events, is read no further.
        finish();
        response.destroy();
      });
      response.on('end', finish);
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function readResponse(status: number, rawHeaders: readonly string[], body: Buffer): ProbeResponse {
  const valuesOf = (name: string) =>
    rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
  const header = (name: string) => (valuesOf(name).length === 0 ? undefined : valuesOf(name).join(', '));
  return { status, header, challenges: parseChallenges(valuesOf('www-authenticate')), body: body.toString('utf8') };
}
