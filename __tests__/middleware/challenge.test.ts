import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import request from 'supertest';
import { AuthError, type AuthErrorReason, IntrospectionError } from '../../lib/core/errors.js';
import { addChallenge, type ChallengeSettings } from '../../lib/middleware/challenge.js';
import {
  markPrivate,
  respond,
  respondWithError,
  respondWithRejection,
  setNonce,
} from '../../lib/middleware/respond.js';
import { BARE, INSUFFICIENT_SCOPE, INVALID_REQUEST, INVALID_TOKEN } from '../support/challenges.js';

const SETTINGS: ChallengeSettings = { realm: 'api', resourceMetadata: undefined, scopes: [], dpop: undefined };

function challengeOf(error: AuthError, settings: Partial<ChallengeSettings> = {}, scopes?: readonly string[]): unknown {
  addChallenge(error, { ...SETTINGS, ...settings }, scopes);
  return error.headers['WWW-Authenticate'];
}

/** Responds like the middleware, on a response that other code has prepared. */
function rejecting(reason: AuthErrorReason, prepare: (res: ServerResponse) => void = () => {}): RequestListener {
  return (req, res) => {
    prepare(res);
    const error = new AuthError(reason);
    addChallenge(error, SETTINGS, [], res);
    respondWithRejection(req, res, error);
  };
}

describe('challenges of two schemes', () => {
  const dpop = { algorithms: ['ES256', 'EdDSA'], nonces: { current: () => 'n-1', check: () => 'current' as const } };
  const challengesOf = (reason: AuthErrorReason, usesDpop: boolean, overrides: Partial<ChallengeSettings> = {}) => {
    const error = new AuthError(reason);
    addChallenge(error, { ...SETTINGS, dpop, ...overrides }, ['write'], undefined, usesDpop);
    return error.headers;
  };

  it('are one line each, with the error on the scheme of the request and the metadata on both', () => {
    const resourceMetadata = 'https://api.example.com/m';
    const metadata = `, resource_metadata="${resourceMetadata}"`;
    expect(challengesOf('inactive', true, { resourceMetadata })['WWW-Authenticate']).toEqual([
      BARE + metadata,
      `${INVALID_TOKEN.replace('Bearer', 'DPoP')}, scope="write"${metadata}, algs="ES256 EdDSA"`,
    ]);
    expect(challengesOf('inactive', false, { resourceMetadata })['WWW-Authenticate']).toEqual([
      `${INVALID_TOKEN}, scope="write"${metadata}`,
      `DPoP realm="api"${metadata}, algs="ES256 EdDSA"`,
    ]);
  });

  it.each<[AuthErrorReason, string, string]>([
    ['invalid_dpop_proof', 'invalid_dpop_proof', 'The request must carry exactly one valid DPoP proof of its own'],
    ['dpop_proof_replayed', 'invalid_dpop_proof', 'The request must carry exactly one valid DPoP proof of its own'],
    ['dpop_nonce_required', 'use_dpop_nonce', 'The DPoP proof must hold a nonce of this resource'],
  ])('reveal of %s only its class', (reason, code, description) => {
    expect(challengesOf(reason, true)['WWW-Authenticate']).toEqual([
      BARE,
      `DPoP realm="api", error="${code}", error_description="${description}", scope="write", algs="ES256 EdDSA"`,
    ]);
  });

  it('are only that of DPoP when DPoP is required, whatever the request used', () => {
    const isRequired = { dpop: { ...dpop, isRequired: true } };
    for (const usesDpop of [true, false]) {
      expect(challengesOf('inactive', usesDpop, isRequired)['WWW-Authenticate']).toBe(
        `${INVALID_TOKEN.replace('Bearer', 'DPoP')}, scope="write", algs="ES256 EdDSA"`,
      );
    }
  });

  it('have the error on the scheme Bearer, and no nonce, when nothing says that the request used DPoP', () => {
    const error = new AuthError('malformed_credentials');
    addChallenge(error, { ...SETTINGS, dpop });
    expect(error.headers).toEqual({
      'WWW-Authenticate': [INVALID_REQUEST, 'DPoP realm="api", algs="ES256 EdDSA"'],
      'Cache-Control': 'no-store',
    });
  });

  it('are only that of Bearer, without a nonce, when DPoP is not accepted', () => {
    const headers = challengesOf('inactive', true, { dpop: undefined });
    expect(headers).toEqual({ 'WWW-Authenticate': `${INVALID_TOKEN}, scope="write"`, 'Cache-Control': 'no-store' });
  });

  it('come with a DPoP nonce when nonces are on', () => {
    expect(challengesOf('inactive', true)).toMatchObject({ 'DPoP-Nonce': 'n-1', 'Cache-Control': 'no-store' });
    expect(challengesOf('inactive', false)).not.toHaveProperty('DPoP-Nonce');
    const without = { dpop: { ...dpop, nonces: undefined } };
    expect(challengesOf('inactive', true, without)).not.toHaveProperty('DPoP-Nonce');
  });
});

describe('a nonce for the next request', () => {
  it('is on the response, which is not cacheable; absent when nonces are off or the headers were sent', async () => {
    const nonces = { current: () => 'n-1', check: () => 'old' as const };
    const respond = (current: typeof nonces | undefined, isLate = false) =>
      request((_req: unknown, res: ServerResponse) => {
        res.setHeader('Cache-Control', 'max-age=60');
        if (isLate) res.flushHeaders();
        setNonce(res, { dpop: { algorithms: [], nonces: current } });
        res.end();
      }).get('/');
    expect((await respond(nonces)).headers).toMatchObject({ 'dpop-nonce': 'n-1', 'cache-control': 'no-store' });
    for (const response of [await respond(undefined), await respond(nonces, true)]) {
      expect(response.headers).not.toHaveProperty('dpop-nonce');
      expect(response.headers['cache-control']).toBe('max-age=60');
    }
  });
});

describe('challenge', () => {
  it.each<[AuthErrorReason, string]>([
    ['no_credentials', BARE],
    ['malformed_credentials', INVALID_REQUEST],
    ['repeated_credentials', INVALID_REQUEST],
    ['token_too_long', INVALID_REQUEST],
    ['inactive', INVALID_TOKEN],
    ['invalid_jwt', INVALID_TOKEN],
    ['refresh_token', INVALID_TOKEN],
    ['expired', INVALID_TOKEN],
    ['not_yet_valid', INVALID_TOKEN],
    ['issuer_mismatch', INVALID_TOKEN],
    ['audience_mismatch', INVALID_TOKEN],
    ['claims_rejected', INVALID_TOKEN],
    ['sender_constrained', INVALID_TOKEN],
    ['insufficient_scope', INSUFFICIENT_SCOPE],
    ['claim_mismatch', INSUFFICIENT_SCOPE],
    ['insufficient_role', INSUFFICIENT_SCOPE],
    ['actor_mismatch', INSUFFICIENT_SCOPE],
    ['no_user', INSUFFICIENT_SCOPE],
  ])('for %s reveals only its class', (reason, challenge) => {
    expect(challengeOf(new AuthError(reason))).toBe(challenge);
  });

  it.each<[AuthErrorReason, string]>([
    ['no_credentials', `${BARE}, scope="read write admin"`],
    ['inactive', `${INVALID_TOKEN}, scope="read write admin"`],
    ['insufficient_scope', `${INSUFFICIENT_SCOPE}, scope="read write admin"`],
    ['malformed_credentials', INVALID_REQUEST],
    ['claim_mismatch', INSUFFICIENT_SCOPE],
    ['insufficient_role', INSUFFICIENT_SCOPE],
    ['actor_mismatch', INSUFFICIENT_SCOPE],
    ['no_user', INSUFFICIENT_SCOPE],
  ])('for %s names scopes where they can help, the middleware’s first, each once', (reason, challenge) => {
    const error = new AuthError(reason, ['admin', 'read']);
    expect(challengeOf(error, { scopes: ['read'] }, ['write', 'read'])).toBe(challenge);
  });

  it('for an insufficient authentication names the requirements and no scopes', () => {
    const required = { acrValues: ['gold', 'silver'], maxAgeSeconds: 0 };
    const error = new AuthError('insufficient_user_authentication', [], required);
    expect(challengeOf(error, { scopes: ['read'] }, ['write'])).toBe(
      'Bearer realm="api", error="insufficient_user_authentication", error_description="This resource requires a stronger or more recent authentication of the user", acr_values="gold silver", max_age="0"',
    );
  });

  it('ends with the resource metadata, whatever the error', () => {
    const settings = { resourceMetadata: 'https://api.example.com/.well-known/oauth-protected-resource' };
    const parameter = ', resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"';
    expect(challengeOf(new AuthError('no_credentials'), settings)).toBe(BARE + parameter);
    expect(challengeOf(new AuthError('no_credentials'), { ...settings, scopes: ['read'] })).toBe(
      `${BARE}, scope="read"${parameter}`,
    );
    expect(challengeOf(new AuthError('malformed_credentials'), settings)).toBe(INVALID_REQUEST + parameter);
  });

  it.each([
    ['', '""'],
    ['my api, v2', '"my api, v2"'],
    ['a "quoted" name', '"a \\"quoted\\" name"'],
    ['C:\\path', '"C:\\\\path"'],
    ['\\"', '"\\\\\\""'],
  ])('quotes the realm %p', (realm, quoted) => {
    expect(challengeOf(new AuthError('no_credentials'), { realm })).toBe(`Bearer realm=${quoted}`);
  });

  it('comes with Cache-Control on the error itself, for error handlers that respond', () => {
    const error = new AuthError('inactive');
    addChallenge(error, SETTINGS);
    expect(error.headers).toEqual({ 'WWW-Authenticate': INVALID_TOKEN, 'Cache-Control': 'no-store' });
  });

  it.each<[string, string | string[], string[]]>([
    ['one challenge', 'Basic realm="x"', ['Basic realm="x"', BARE]],
    ['several challenges', ['Basic realm="x"', 'Negotiate'], ['Basic realm="x"', 'Negotiate', BARE]],
  ])('is added after %s already there', async (_, existing, expected) => {
    const listener = rejecting('no_credentials', (res) => res.setHeader('www-authenticate', existing));
    const response = await request(listener).get('/').expect(401);
    const lines = response.headers['www-authenticate'];
    expect(lines).toBe(expected.join(', '));
  });
});

it.each([{}, undefined])('the challenge for the response %j, which cannot tell its headers, is the only one', (res) => {
  const error = new AuthError('no_credentials');
  addChallenge(error, SETTINGS, [], res);
  expect(error.headers['WWW-Authenticate']).toBe(BARE);
});

describe('the response to a rejected request', () => {
  it('is JSON with the error of the challenge', async () => {
    const response = await request(rejecting('inactive')).get('/').expect(401);
    expect(response.headers).toMatchObject({
      'www-authenticate': INVALID_TOKEN,
      'cache-control': 'no-store',
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(Buffer.byteLength(response.text)),
    });
    expect(response.text).toBe(
      '{"error":"invalid_token","error_description":"The access token is not valid for this resource"}',
    );
  });

  it('has no error when there were no credentials', async () => {
    const response = await request(rejecting('no_credentials')).get('/').expect(401);
    expect(response.text).toBe('{}');
  });

  it.each<[AuthErrorReason, number]>([
    ['malformed_credentials', 400],
    ['expired', 401],
    ['insufficient_scope', 403],
  ])('for %s has status %i', async (reason, status) => {
    await request(rejecting(reason)).get('/').expect(status);
  });

  it('has the length of the body but no body for HEAD', async () => {
    const response = await request(rejecting('inactive')).head('/').expect(401);
    expect(response.headers['content-length']).toBe('95');
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(response.text).toBeUndefined();
  });

  it('keeps headers of the app, except those of content that is not sent', async () => {
    const listener = rejecting('inactive', (res) => {
      res.setHeader('Access-Control-Allow-Origin', 'https://app.example.com');
      res.setHeader('Set-Cookie', 'a=1');
      res.setHeader('Cache-Control', 'public, max-age=60');
      res.setHeader('Content-Type', 'text/html');
      res.setHeader('Content-Length', 7);
      for (const name of ['Content-Encoding', 'Content-Language', 'Content-Range', 'ETag', 'Last-Modified']) {
        res.setHeader(name, 'x');
      }
    });
    const { headers } = await request(listener).get('/').expect(401);
    expect(headers).toMatchObject({
      'access-control-allow-origin': 'https://app.example.com',
      'set-cookie': ['a=1'],
      'cache-control': 'no-store',
      'content-type': 'application/json; charset=utf-8',
      'content-length': '95',
    });
    for (const name of ['content-encoding', 'content-language', 'content-range', 'etag', 'last-modified']) {
      expect(headers).not.toHaveProperty(name);
    }
  });

  it('may have no content, and then has no content headers', async () => {
    const listener: RequestListener = (req, res) => {
      res.setHeader('Content-Type', 'text/html').setHeader('Content-Length', 7);
      respond(req, res, 204, { Allow: 'GET' }, undefined);
    };
    const { headers, text } = await request(listener).options('/').expect(204);
    expect([headers.allow, text]).toEqual(['GET', '']);
    for (const name of ['content-type', 'content-length']) expect(headers).not.toHaveProperty(name);
  });

  it('is not sent after a response that has ended', async () => {
    const ended = rejecting('inactive', (res) => res.end('done'));
    expect((await request(ended).get('/').expect(200)).text).toBe('done');
  });

  it('is not mixed into a response on its way: the rejection is passed to next', () => {
    const sent: string[] = [];
    const res = { headersSent: true, setHeader: (name: string) => sent.push(name), end: () => sent.push('end') };
    const req = { method: 'GET' } as IncomingMessage;
    expect(() => respond(req, res as never, 401, { Allow: 'GET' }, undefined)).toThrow('were sent already');
    expect(sent).toEqual([]);
  });

  it('does not change when the response fails after its headers were sent, and the failure is passed on', () => {
    const sent: string[] = [];
    const res = {
      statusCode: 200,
      headersSent: false,
      writableEnded: false,
      getHeader: () => undefined,
      setHeader: (name: string) => sent.push(name),
      removeHeader: () => sent.pop(),
      end() {
        res.headersSent = true;
        throw new Error('broken pipe');
      },
    };
    const req = { method: 'GET' } as IncomingMessage;
    expect(() => respond(req, res as unknown as ServerResponse, 401, { Allow: 'GET' }, undefined)).toThrow(
      'broken pipe',
    );
    expect([res.statusCode, sent]).toEqual([401, ['Allow']]);
  });
});

describe('the response to an outage when no error handler responds', () => {
  it('is 503 with Retry-After and reveals nothing about the endpoint', async () => {
    const listener: RequestListener = (req, res) =>
      respondWithError(req, res, new IntrospectionError('timeout', 'hush', 7));
    const response = await request(listener).get('/').expect(503);
    expect(response.headers).toMatchObject({ 'retry-after': '7', 'cache-control': 'no-store' });
    expect(response.headers).not.toHaveProperty('www-authenticate');
    expect(response.text).toBe('{"error":"temporarily_unavailable"}');
  });

  it.each([
    ['an error', Object.assign(new Error('hush'), { status: 404, headers: { 'X-Hush': '1' } })],
    ['a rejection', new AuthError('inactive')],
    ['text', 'hush'],
    ['nothing', undefined],
  ])('is a plain 500 for %s of the app', async (_, error) => {
    const listener: RequestListener = (req, res) => respondWithError(req, res, error);
    const response = await request(listener).get('/').expect(500);
    expect(response.text).toBe('{"error":"server_error"}');
    expect(response.headers['cache-control']).toBe('no-store');
    expect(response.headers).not.toHaveProperty('x-hush');
  });
});

describe('an error response that cannot be written', () => {
  const req = { method: 'GET' } as IncomingMessage;
  const fail = () => {
    throw new Error('of the response');
  };
  const members = { getHeader: () => undefined, setHeader: fail, end: fail, headersSent: false };
  const broken = (overrides: object) => ({ ...members, ...overrides }) as never;

  it.each([
    ['no response at all', undefined],
    ['a response without members', {}],
    ['a response that throws', broken({})],
    ['a response that cannot be destroyed', broken({ destroy: fail })],
    ['a response that is under way and cannot be destroyed', broken({ headersSent: true, destroy: fail })],
  ])('throws nothing for %s', (_, res) => {
    expect(() => respondWithError(req, res, new IntrospectionError('timeout'))).not.toThrow();
  });

  it.each([
    ['throws', broken({})],
    ['lacks required members', { headersSent: false }],
    ['is under way', broken({ headersSent: true })],
    ['is under way, and does not tell more', broken({ headersSent: true, writableEnded: false })],
  ])('closes the connection of a response that %s', (_, res: object) => {
    let destroyed = 0;
    respondWithError(req, { ...res, destroy: () => destroyed++ } as never, new IntrospectionError('timeout'));
    expect(destroyed).toBe(1);
  });

  it('does not touch a response that has ended', () => {
    const res = broken({ headersSent: true, writableEnded: true, destroy: fail, removeHeader: fail });
    expect(() => respondWithError(req, res, new IntrospectionError('timeout'))).not.toThrow();
  });
});

describe('Cache-Control for credentials outside the Authorization header', () => {
  it.each([
    ['is private', undefined, 'private'],
    ['stays as the app set it', 'no-store', 'no-store'],
  ])('%s', async (_, previous, expected) => {
    const listener: RequestListener = (_req, res) => {
      if (previous !== undefined) res.setHeader('Cache-Control', previous);
      markPrivate(res);
      res.end();
    };
    expect((await request(listener).get('/')).headers['cache-control']).toBe(expected);
  });

  it('does not change once the headers were sent', async () => {
    const listener: RequestListener = (_req, res) => {
      res.writeHead(200).flushHeaders();
      markPrivate(res);
      res.end();
    };
    expect((await request(listener).get('/').expect(200)).headers).not.toHaveProperty('cache-control');
  });
});
