import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { checkOptions } from '../core/option-check.js';
import { optionError } from '../core/option-error.js';
import type { Dispatcher } from '../introspection/http.js';
import { FAILURE_NAMES, type FakeFailure, isFailure, replyOf } from './failures.js';
import { type FakeClaims, type FakeReply, type FakeRequest, jsonReply, metadataReply, readRequest } from './replies.js';

/** Options of a fake authorization server. */
export interface FakeAuthorizationServerOptions {
  /**
   * Claims of every token, such as `aud` and `iss`. A claim that is passed to `issue()` replaces the claim of the same name. Default: none.
   */
  readonly claims?: FakeClaims | undefined;
  /**
   * Converts an introspection response to the format of an endpoint that deviates from RFC 7662, to test `normalizeResponse`.
   * Default: JSON with status 200, as RFC 7662 defines.
   */
  readonly reply?: ((response: FakeClaims) => FakeReply) | undefined;
}

/** A fake authorization server in the memory of this process, for tests. */
export interface FakeAuthorizationServer {
  /** Value for the option `dispatcher`. The dispatcher replies to requests for any URL, and sends nothing over the network. */
  readonly dispatcher: Dispatcher;
  /** All introspection requests that the fake server has received so far, in their order. Retries are included. */
  readonly requests: readonly FakeRequest[];
  /**
   * Issues an active access token with a random value.
   *
   * @param claims override the option `claims`, and the defaults `iat` (now), `exp` (in an hour) and `token_type` (`Bearer`);
   *   a claim with the value `undefined` is left out
   */
  issue(claims?: FakeClaims): string;
  /**
   * Makes a token inactive. If a middleware has cached an active response about the token, it uses this response until it is
   * `cache.ttlSeconds` old, as in production.
   *
   * @throws TypeError for a token that `issue()` did not return
   */
  revoke(token: string): void;
  /**
   * Makes every introspection request fail until `recover()` is called. With `timeout`, requests fail at once, so tests need not wait. With
   * `discovery_failed`, only requests for metadata fail.
   *
   * @throws TypeError for an unknown failure
   */
  fail(failure: FakeFailure): void;
  /** Ends the failure that `fail()` began. */
  recover(): void;
}

const HOUR_SECONDS = 3600;

type Request = Parameters<Dispatcher['request']>[0];
type Response = Awaited<ReturnType<Dispatcher['request']>>;

/**
 * Creates a fake authorization server for the tests of your app, so that the tests need no network. The middleware works as in production,
 * but asks the fake server instead of the endpoint. Tokens that the fake server did not issue are inactive (RFC 7662 section 2.2).
 *
 * Not checked: the client authentication. Not supported: signed responses (`jwtResponse`), and sender constraints (`dpop`, `mtls`).
 *
 * @example
 * const server = fakeAuthorizationServer({ claims: { aud: 'https://api.example.com' } });
 * const app = createApp({ dispatcher: server.dispatcher });
 * const token = server.issue({ sub: 'alice', scope: 'reports:read' });
 *
 * @throws TypeError for an invalid or unknown option; the message names the option
 */
export function fakeAuthorizationServer(options: FakeAuthorizationServerOptions = {}): FakeAuthorizationServer {
  const { claims: common, reply = jsonReply } = requireOptions(options);
  const issued = new Map<unknown, FakeClaims>();
  const requests: FakeRequest[] = [];
  let failure: FakeFailure | undefined;

  function introspect(request: FakeRequest): FakeReply {
    requests.push(request);
    const failureReply = failure && replyOf(failure);
    if (failureReply !== undefined) return failureReply;
    const { parameters } = request;
    // An endpoint that deviates may use another parameter name than `token` (RFC 7662 section 2.1).
    const token = parameters.token ?? Object.values(parameters).find((value) => issued.has(value));
    return reply(issued.get(token) ?? { active: false });
  }

  function describe(origin: string, path: string): FakeReply {
    const { iss } = common;
    if (failure === 'discovery_failed') return { status: 503 };
    return metadataReply(origin, path, typeof iss === 'string' ? iss : undefined);
  }

  async function dispatch({ origin, path, method, headers, body }: Request): Promise<Response> {
    const fakeReply =
      method === 'GET'
        ? describe(String(origin), path)
        : introspect(readRequest(`${origin}${path}`, headers as Record<string, string>, String(body)));
    return respond(fakeReply);
  }

  return {
    dispatcher: { request: dispatch as Dispatcher['request'] },
    requests,
    issue(claims = {}) {
      requireObject('claims', claims);
      const token = `fake-${randomBytes(32).toString('base64url')}`;
      const iat = Math.floor(Date.now() / 1000);
      issued.set(token, { active: true, token_type: 'Bearer', iat, exp: iat + HOUR_SECONDS, ...common, ...claims });
      return token;
    },
    revoke(token) {
      if (!issued.has(token)) throw optionError('token', token, 'write a token that issue() of this fake returned');
      issued.set(token, { active: false });
    },
    fail(newFailure) {
      if (!isFailure(newFailure)) throw optionError('failure', newFailure, `write one of ${FAILURE_NAMES}`);
      failure = newFailure;
    },
    recover() {
      failure = undefined;
    },
  };
}

function requireOptions(options: FakeAuthorizationServerOptions): { claims: FakeClaims; reply?: typeof options.reply } {
  requireObject('options', options);
  checkOptions(options, ['claims', 'reply']);
  const { claims = {}, reply } = options;
  requireObject('claims', claims);
  if (reply !== undefined && typeof reply !== 'function') throw optionError('reply', reply, 'write a function');
  return { claims, reply };
}

function requireObject(name: string, value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw optionError(name, value, 'write a plain object');
  }
}

/** Creates an undici response, with only the members that the middleware reads. */
function respond({ status = 200, contentType = 'application/json', body = '' }: FakeReply): Response {
  const response = {
    statusCode: status,
    headers: { 'content-type': contentType },
    body: Readable.from([Buffer.from(body)]),
  };
  return response as unknown as Response;
}
