import { readFormBody } from '../../lib/credentials/form-body.js';

const FORM = 'application/x-www-form-urlencoded';

describe('a form body', () => {
  it.each(['POST', 'PUT', 'PATCH'])('may carry the token in a %s', (method) => {
    expect(readFormBody({ method, contentType: FORM, body: { access_token: 'abc', other: '1' } })).toBe('abc');
  });

  it.each([
    [`${FORM};charset=utf-8`],
    [`${FORM} ; charset=utf-8`],
    ['Application/X-WWW-Form-URLEncoded'],
    [` ${FORM} `],
  ])('is recognised by its media type, as in %p', (contentType) => {
    expect(readFormBody({ method: 'POST', contentType, body: { access_token: 'abc' } })).toBe('abc');
  });

  it.each([
    ['GET', FORM],
    ['HEAD', FORM],
    ['DELETE', FORM],
    ['post', FORM],
    [undefined, FORM],
    ['POST', undefined],
    ['POST', ''],
    ['POST', 'application/json'],
    ['POST', 'multipart/form-data; boundary=x'],
    ['POST', `text/plain; x=${FORM}`],
    ['POST', `${FORM}x`],
  ])('has no credentials with method %p and type %p', (method, contentType) => {
    expect(readFormBody({ method, contentType, body: { access_token: 'abc' } })).toBeUndefined();
  });

  it.each([
    ['unread', undefined],
    ['null', null],
    ['text', 'access_token=abc'],
    ['without the parameter', { token: 'abc' }],
    ['an object that only inherits the parameter', Object.create({ access_token: 'abc' })],
  ])('has no credentials when it is %s', (_, body) => {
    expect(readFormBody({ method: 'POST', contentType: FORM, body })).toBeUndefined();
  });

  it('is read when its object has no prototype', () => {
    const body = Object.assign(Object.create(null), { access_token: 'abc' });
    expect(readFormBody({ method: 'POST', contentType: FORM, body })).toBe('abc');
  });

  it('is read unchanged, whatever characters it holds: they are checked before the token is sent', () => {
    for (const text of ['a b', ' abc', 'abc\r\n', 'tökén', '==']) {
      expect(readFormBody({ method: 'POST', contentType: FORM, body: { access_token: text } })).toBe(text);
    }
  });

  it.each([
    ['repeated', ['abc', 'def']],
    ['empty', ''],
    ['nested', { a: 'abc' }],
    ['undefined', undefined],
  ])('is rejected when the parameter is %s', (_, accessToken) => {
    expect(() => readFormBody({ method: 'POST', contentType: FORM, body: { access_token: accessToken } })).toThrow(
      expect.objectContaining({ status: 400, code: 'invalid_request', reason: 'malformed_credentials' }),
    );
  });
});
