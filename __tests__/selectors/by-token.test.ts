import { byIssuer, byTokenPrefix } from '../../lib/selectors/index.js';
import { jwtOf, requestOf } from '../support/selections.js';

const REQ = requestOf('/');
const ISSUER = 'https://as.acme.example';

describe('byTokenPrefix', () => {
  const select = byTokenPrefix({ acme_: 'acme', acme_test_: 'acmeTest', beta: 'beta' });

  it.each([
    ['acme_x', 'acme'],
    ['acme_', 'acme'],
    ['acme_test_x', 'acmeTest'],
    ['acme_tes', 'acme'],
    ['betamax', 'beta'],
    ['Acme_x', undefined],
    ['xacme_', undefined],
    ['acme', undefined],
    ['', undefined],
  ])('for the token %p selects %p, by the longest prefix', (token, name) => {
    expect(select(REQ, token)).toBe(name);
  });

  it('does not depend on the order of the list', () => {
    expect(byTokenPrefix({ a_b_: 'long', a_: 'short' })(REQ, 'a_b_c')).toBe('long');
    expect(byTokenPrefix({ a_: 'short', a_b_: 'long' })(REQ, 'a_b_c')).toBe('long');
  });

  it.each([{}, null, { '': 'acme' }, { 'acme:': 'acme' }, { 'a b': 'acme' }, { ü: 'acme' }, { acme_: undefined }])(
    'throws for the list %j',
    (names) => {
      expect(() => byTokenPrefix(names as never)).toThrow(TypeError);
    },
  );
});

describe('byIssuer', () => {
  const select = byIssuer({ [ISSUER]: 'acme', 'https://as.beta.example/': 'beta' });

  it('selects by the iss of a JWT, without verifying the JWT', () => {
    expect(select(REQ, jwtOf({ iss: ISSUER }))).toBe('acme');
    expect(select(REQ, jwtOf({ iss: 'https://as.beta.example/', sub: 'ü' }))).toBe('beta');
    expect(select(REQ, jwtOf({ iss: ISSUER }).replace(/[^.]*$/, ''))).toBe('acme');
  });

  it.each<unknown>([
    `${ISSUER}/`,
    'https://AS.acme.example',
    'https://as.beta.example',
    'https://evil.example',
    '__proto__',
    'constructor',
    'toString',
    '',
    5,
    null,
    true,
    [ISSUER],
    { [ISSUER]: 1 },
    { toString: 'x' },
  ])('selects none for iss %j', (iss) => {
    expect(select(REQ, jwtOf({ iss }))).toBeUndefined();
  });

  it.each([null, 5, 'text', [], [{ iss: ISSUER }], {}, { payload: { iss: ISSUER } }])(
    'selects none for the payload %j',
    (payload) => {
      expect(select(REQ, jwtOf(payload))).toBeUndefined();
    },
  );

  it('ignores a member named __proto__', () => {
    const payload = Buffer.from(`{"__proto__":{"iss":"${ISSUER}"}}`).toString('base64url');
    expect(select(REQ, `e30.${payload}.x`)).toBeUndefined();
  });

  const [header, payload] = jwtOf({ iss: ISSUER }).split('.');
  it.each([
    ['opaque', 'opaque'],
    ['two parts', `${header}.${payload}`],
    ['four parts', `${header}.${payload}.a.b`],
    ['an encrypted one', `${header}.a.${payload}.b.c`],
    ['no header', `.${payload}.x`],
    ['no payload', `${header}..x`],
    ['no base64url', `${header}.${payload}=.x`],
    ['no JSON', `${header}.${Buffer.from('{"iss":').toString('base64url')}.x`],
    ['no UTF-8', `${header}.${Buffer.from([0xff, 0xfe]).toString('base64url')}.x`],
    ['nothing', ''],
  ])('selects none for a token that is not a JWT: %s', (_title, token) => {
    expect(select(REQ, token)).toBeUndefined();
  });

  it('parses deeply nested payloads', () => {
    const deep = Buffer.from(`${'['.repeat(3000)}${']'.repeat(3000)}`).toString('base64url');
    expect(select(REQ, `e30.${deep}.x`)).toBeUndefined();
  });

  it.each([{}, null, { '': 'acme' }, { [ISSUER]: 7 }])('throws for the list %j', (names) => {
    expect(() => byIssuer(names as never)).toThrow(TypeError);
  });
});
