import { type RequestFacts, readCredentials } from '../../lib/credentials/read-credentials.js';

const FORM = {
  method: 'POST',
  contentType: 'application/x-www-form-urlencoded',
  body: { access_token: 'from-body' },
};

function facts(given: Partial<RequestFacts>): RequestFacts {
  return {
    authorization: undefined,
    authorizationRepeated: false,
    custom: undefined,
    method: 'GET',
    contentType: undefined,
    body: undefined,
    dpop: undefined,
    certificate: undefined,
    ...given,
  };
}

const HEADER_ONLY = { tokenFromBody: false, usesGetToken: false };
const WITH_BODY = { tokenFromBody: true, usesGetToken: false };
const CUSTOM = { tokenFromBody: false, usesGetToken: true };

describe('the credentials of a request', () => {
  it.each([
    ['nothing', {}, HEADER_ONLY, undefined],
    ['the header', { authorization: 'Bearer abc' }, HEADER_ONLY, 'abc'],
    ['only the header unless bodies are allowed', { ...FORM, authorization: 'Bearer abc' }, HEADER_ONLY, 'abc'],
    ['no body unless allowed', FORM, HEADER_ONLY, undefined],
    ['the body once allowed', FORM, WITH_BODY, 'from-body'],
    ['the header where bodies are allowed', { authorization: 'Bearer abc' }, WITH_BODY, 'abc'],
    ['the body beside another scheme', { ...FORM, authorization: 'Basic eDp5' }, WITH_BODY, 'from-body'],
    ['nothing where bodies are allowed', {}, WITH_BODY, undefined],
    ['the result of getToken', { custom: 'abc' }, CUSTOM, 'abc'],
    ['not the header once getToken is given', { authorization: 'Bearer abc' }, CUSTOM, undefined],
    ['nothing for null of getToken', { custom: null, authorization: 'Bearer abc' }, CUSTOM, undefined],
    ['the unchanged result of getToken', { custom: ' a b\n' }, CUSTOM, ' a b\n'],
    [
      'the result of getToken, also for repeated headers',
      { custom: 'abc', authorizationRepeated: true },
      CUSTOM,
      'abc',
    ],
  ])('are %s', (_, given, sources, token) => {
    expect(readCredentials(facts(given), sources)).toBe(token);
  });

  it.each([
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
    ['too long from getToken', { custom: 'a'.repeat(8193) }, CUSTOM, 'token_too_long'],
  ])('are rejected when they are %s', (_, given, sources, reason) => {
    expect(() => readCredentials(facts(given), sources)).toThrow(
      expect.objectContaining({ name: 'AuthError', status: 400, code: 'invalid_request', reason }),
    );
  });
});
