import type { IncomingMessage } from 'node:http';
import { dpopRequestOf } from '../../lib/credentials/dpop-request.js';
import { type CredentialPolicy, readCredentials } from '../../lib/credentials/read-credentials.js';
import { targetOf } from '../../lib/credentials/request-target.js';

interface Given {
  readonly method?: string;
  readonly contentType?: string;
  readonly body?: unknown;
  readonly authorization?: string;
  readonly authorizationRepeated?: boolean;
  readonly custom?: unknown;
}

const FORM = {
  method: 'POST',
  contentType: 'application/x-www-form-urlencoded',
  body: { access_token: 'from-body' },
};

function requestOf({ method = 'GET', contentType, body, authorization, authorizationRepeated, custom }: Given) {
  const headers = {
    ...(authorization !== undefined && { authorization }),
    ...(contentType !== undefined && { 'content-type': contentType }),
  };
  const lines = authorization === undefined ? [] : ['Authorization', authorization];
  const rawHeaders = authorizationRepeated ? [...lines, ...lines, 'Authorization', 'x', 'Authorization', 'y'] : lines;
  return { method, headers, rawHeaders, body, custom } as unknown as IncomingMessage & { readonly custom: unknown };
}

const HEADER_ONLY: CredentialPolicy = {
  tokenFromBody: false,
  getToken: undefined,
  dpop: undefined,
  dpopOrigin: undefined,
  certificateThumbprint: undefined,
};
const WITH_BODY: CredentialPolicy = { ...HEADER_ONLY, tokenFromBody: true };
const CUSTOM: CredentialPolicy = {
  ...HEADER_ONLY,
  getToken: (req) => (req as unknown as { readonly custom: unknown }).custom,
};

describe('the credentials of a request', () => {
  it.each([
    ['nothing', {}, HEADER_ONLY, undefined],
    ['the header', { authorization: 'Bearer abc' }, HEADER_ONLY, 'abc'],
    ['only the header unless bodies are allowed', { ...FORM, authorization: 'Bearer abc' }, HEADER_ONLY, 'abc'],
    [
      'a token of 8 kB',
      { authorization: `Bearer${' '.repeat(100)}${'a'.repeat(8192)}` },
      HEADER_ONLY,
      'a'.repeat(8192),
    ],
    ['no body unless allowed', FORM, HEADER_ONLY, undefined],
    ['the body once allowed', FORM, WITH_BODY, 'from-body'],
    ['the header where bodies are allowed', { authorization: 'Bearer abc' }, WITH_BODY, 'abc'],
    ['the body beside another scheme', { ...FORM, authorization: 'Basic eDp5' }, WITH_BODY, 'from-body'],
    ['nothing where bodies are allowed', {}, WITH_BODY, undefined],
    ['the result of getToken', { custom: 'abc' }, CUSTOM, 'abc'],
    ['not the header once getToken is given', { authorization: 'Bearer abc' }, CUSTOM, undefined],
    ['nothing for null of getToken', { custom: null, authorization: 'Bearer abc' }, CUSTOM, undefined],
    ['what getToken returned, uncut', { custom: ' a b\n' }, CUSTOM, ' a b\n'],
    ['what getToken chose of repeated headers', { custom: 'abc', authorizationRepeated: true }, CUSTOM, 'abc'],
  ])('are %s', (_, given, policy, token) => {
    expect(readCredentials(requestOf(given), policy)?.token).toBe(token);
  });

  it.each<[string, Given, CredentialPolicy, string]>([
    ['in header and body', { ...FORM, authorization: 'Bearer abc' }, WITH_BODY, 'repeated_credentials'],
    ['the same in header and body', { ...FORM, authorization: 'Bearer from-body' }, WITH_BODY, 'repeated_credentials'],
    [
      'in two headers',
      { authorization: 'Bearer abc', authorizationRepeated: true },
      HEADER_ONLY,
      'repeated_credentials',
    ],
    [
      'hidden behind another scheme',
      { authorization: 'Basic eDp5', authorizationRepeated: true },
      HEADER_ONLY,
      'repeated_credentials',
    ],
    [
      'malformed in the header and there in the body',
      { ...FORM, authorization: 'Bearer a b' },
      WITH_BODY,
      'repeated_credentials',
    ],
    ['malformed in the header', { ...FORM, authorization: 'Bearer' }, WITH_BODY, 'malformed_credentials'],
    ['malformed in the body', { ...FORM, body: { access_token: [] } }, WITH_BODY, 'malformed_credentials'],
    ['an empty string of getToken', { custom: '' }, CUSTOM, 'malformed_credentials'],
    ['a number of getToken', { custom: 7 }, CUSTOM, 'malformed_credentials'],
    ...[`${'a'.repeat(8193)}`, `${'a'.repeat(8192)}=`, '!'.repeat(8193)].map(
      (long) =>
        ['too long in the header', { authorization: `Bearer ${long}` }, HEADER_ONLY, 'token_too_long'] as [
          string,
          Given,
          CredentialPolicy,
          string,
        ],
    ),
    ['too long in the body', { ...FORM, body: { access_token: 'a'.repeat(8193) } }, WITH_BODY, 'token_too_long'],
    ['too long from getToken', { custom: 'a'.repeat(8193) }, CUSTOM, 'token_too_long'],
  ])('are rejected when they are %s', (_, given, policy, reason) => {
    expect(() => readCredentials(requestOf(given), policy)).toThrow(
      expect.objectContaining({ name: 'AuthError', status: 400, code: 'invalid_request', reason }),
    );
  });
});

describe('a request with a DPoP proof', () => {
  const given = { ...FORM, custom: 'abc' };
  const withProof = (request: IncomingMessage) =>
    Object.assign(request, { headers: { ...request.headers, dpop: 'p' } });

  it.each([
    ['in the header', { authorization: 'Bearer abc' }, HEADER_ONLY],
    ['in the body', given, WITH_BODY],
    ['from getToken', given, CUSTOM],
  ])('does not use the proof for a Bearer token %s, and says so only if DPoP is accepted', (_, request, policy) => {
    const read = (dpop: object | undefined) => readCredentials(withProof(requestOf(request)), { ...policy, dpop });
    expect(read({})).toMatchObject({ scheme: 'Bearer', dpop: undefined, hasUnusedProof: true });
    expect(read(undefined)).toMatchObject({ scheme: 'Bearer', dpop: undefined, hasUnusedProof: false });
    expect(readCredentials(requestOf(request), { ...policy, dpop: {} })).toMatchObject({ hasUnusedProof: false });
  });

  it.each([['a.b.c,d.e.f'], [['a.b.c', 'd.e.f']], [undefined]])('has no proof if the header is %j', (dpop) => {
    expect(dpopRequestOf({ headers: { dpop }, url: '/' } as never, 'https://api.example.com').proof).toBeUndefined();
  });

  it.each([
    ['/reports?a=/../b', 'https://api.example.com/reports?a=/../b'],
    ['/a/b/../c', undefined],
    ['/reports/%2E%2e', undefined],
  ])('has the URL of the target %s only if all parsers agree about it', (originalUrl, url) => {
    const request = { headers: { dpop: 'a.b.c' }, originalUrl } as never;
    expect(dpopRequestOf(request, 'https://api.example.com/').url).toBe(url);
  });
});

describe('a request target', () => {
  const read = (url: string, originalUrl?: string) =>
    targetOf({ url, headers: {}, ...(originalUrl && { originalUrl }) } as never);

  it.each([
    ['/a?b', { authority: undefined, path: '/a?b' }],
    ['*', { authority: undefined, path: '*' }],
    ['http://a.example/b?c', { authority: 'a.example', path: '/b?c' }],
    ['https://a.example:8443', { authority: 'a.example:8443', path: '' }],
    ['HTTPS://a.example?b', { authority: 'a.example', path: '?b' }],
    ['ahttp://a.example/', { authority: '', path: '' }],
    ['a/b', { authority: '', path: '' }],
    ['a.example:443', { authority: '', path: '' }],
    ['http:///a', { authority: '', path: '' }],
    ['http://a.example/b\nc', { authority: 'a.example', path: '/b\nc' }],
  ])('of %j has the host and the path that the client wrote', (url, expected) => {
    expect(read(url)).toEqual(expected);
  });

  it('is the original URL, because Express and Connect shorten the other one', () => {
    expect(read('/reports', '/mounted/reports')).toEqual({ authority: undefined, path: '/mounted/reports' });
  });
});

describe('a request without a target, as wrappers for other frameworks may pass', () => {
  it('has an empty path and no host that matches', () => {
    expect(targetOf({ headers: {} } as never)).toEqual({ authority: '', path: '' });
  });

  it('has no URL that a DPoP proof could match', () => {
    expect(dpopRequestOf({ headers: { dpop: 'a.b.c' } } as never, 'https://api.example.com')).toMatchObject({
      proof: 'a.b.c',
      url: undefined,
    });
  });
});
