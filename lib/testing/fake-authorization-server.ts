import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { optionError } from '../core/option-error.js';
import type { Dispatcher } from '../introspection/http.js';
import { FAILURE_NAMES, type FakeFailure, isFailure, replyOf } from './failures.js';
import {
  type FakeClaims,
  type FakeQuestion,
  type FakeReply,
  jsonReply,
  metadataReply,
  readQuestion,
} from './replies.js';

/** How a fake authorization server answers. */
export interface FakeAuthorizationServerOptions {
  /** What every token says unless `issue()` says otherwise, such as `aud` and `iss`. Default none. */
  readonly claims?: FakeClaims | undefined;
  /**
   * Puts an introspection response into the words of an endpoint that deviates, for `normalizeResponse` to read. Default: JSON with
   * status 200, as RFC 7662 has it.
   */
  readonly reply?: ((response: FakeClaims) => FakeReply) | undefined;
}

/** An authorization server in the memory of this process. */
export interface FakeAuthorizationServer {
  /** For the option `dispatcher`. Whatever endpoint the middleware asks, this answers; nothing goes over a network. */
  readonly dispatcher: Dispatcher;
  /** What the endpoint was asked, retries included, in order. */
  readonly questions: readonly FakeQuestion[];
  /**
   * Makes an access token that is active: random, and unknown everywhere else.
   *
   * @param claims laid over `iat` (now), `exp` (in an hour), `token_type` (`Bearer`) and the `claims` of all; `undefined` leaves one out
   */
  issue(claims?: FakeClaims): string;
  /**
   * Makes a token inactive. A middleware that remembers it accepts it until `cache.ttlSeconds` have passed, as it would in production.
   *
   * @throws TypeError for a token that `issue()` did not make
   */
  revoke(token: string): void;
  /**
   * Answers every question so, until `recover()`. A `timeout` comes at once. `discovery_failed` takes away the metadata and nothing else.
   *
   * @throws TypeError for another failure
   */
  fail(failure: FakeFailure): void;
  /** Answers as before. */
  recover(): void;
}

const HOUR_SECONDS = 3600;
const OPTIONS: readonly string[] = ['claims', 'reply'];

type Request = Parameters<Dispatcher['request']>[0];
type Response = Awaited<ReturnType<Dispatcher['request']>>;

/**
 * An authorization server for your own tests, which need no network then: the middleware runs in full, and asks this instead of its
 * endpoint. It knows the tokens it has issued and takes every other for inactive, as RFC 7662 section 2.2 has it.
 *
 * Not checked: the client's credentials. Not made: signed replies (`jwtResponse`), and what proves a sender (`dpop`, `mtls`).
 *
 * @example
 * const server = fakeAuthorizationServer({ claims: { aud: 'https://api.example.com' } });
 * const app = createApp({ dispatcher: server.dispatcher });
 * const token = server.issue({ sub: 'alice', scope: 'reports:read' });
 *
 * @throws TypeError for an invalid or unknown option, naming it
 */
export function fakeAuthorizationServer(options: FakeAuthorizationServerOptions = {}): FakeAuthorizationServer {
  const { claims: common, reply = jsonReply } = requireOptions(options);
  const issued = new Map<unknown, FakeClaims>();
  const questions: FakeQuestion[] = [];
  let failure: FakeFailure | undefined;

  function introspect(question: FakeQuestion): FakeReply {
    questions.push(question);
    const failed = failure && replyOf(failure);
    if (failed !== undefined) return failed;
    const { parameters } = question;
    // Whatever the token's parameter is called, where it has not the name of RFC 7662 section 2.1.
    const token = parameters.token ?? Object.values(parameters).find((value) => issued.has(value));
    return reply(issued.get(token) ?? { active: false });
  }

  function describe(origin: string, path: string): FakeReply {
    const { iss } = common;
    if (failure === 'discovery_failed') return { status: 503 };
    return metadataReply(origin, path, typeof iss === 'string' ? iss : undefined);
  }

  async function request({ origin, path, method, headers, body }: Request): Promise<Response> {
    const answered =
      method === 'GET'
        ? describe(String(origin), path)
        : introspect(readQuestion(`${origin}${path}`, headers as Record<string, string>, String(body)));
    return respond(answered);
  }

  return {
    dispatcher: { request: request as Dispatcher['request'] },
    questions,
    issue(claims = {}) {
      requireObject('claims', claims);
      const token = `fake-${randomBytes(32).toString('base64url')}`;
      const iat = Math.floor(Date.now() / 1000);
      issued.set(token, { active: true, token_type: 'Bearer', iat, exp: iat + HOUR_SECONDS, ...common, ...claims });
      return token;
    },
    revoke(token) {
      if (!issued.has(token)) throw optionError('token', token, 'give one that issue() of this fake returned');
      issued.set(token, { active: false });
    },
    fail(how) {
      if (!isFailure(how)) throw optionError('failure', how, `write one of ${FAILURE_NAMES}`);
      failure = how;
    },
    recover() {
      failure = undefined;
    },
  };
}

function requireOptions(options: FakeAuthorizationServerOptions): { claims: FakeClaims; reply?: typeof options.reply } {
  requireObject('options', options);
  for (const [name, given] of Object.entries(options)) {
    if (!OPTIONS.includes(name)) throw optionError(name, given, `write one of ${OPTIONS.join(', ')}`);
  }
  const { claims = {}, reply } = options;
  requireObject('claims', claims);
  if (reply !== undefined && typeof reply !== 'function') throw optionError('reply', reply, 'write a function');
  return { claims, reply };
}

function requireObject(name: string, given: unknown): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw optionError(name, given, 'write a plain object');
  }
}

/** As much of a reply of undici's as the middleware reads. */
function respond({ status = 200, contentType = 'application/json', body = '' }: FakeReply): Response {
  const response = {
    statusCode: status,
    headers: { 'content-type': contentType },
    body: Readable.from([Buffer.from(body)]),
  };
  return response as unknown as Response;
}
