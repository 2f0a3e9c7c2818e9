import { AuthError, type AuthErrorReason } from '../../lib/core/errors.js';
import { type Evidence, explain, keepEvidence } from '../../lib/diagnostics/explain.js';
import { selectServer } from '../../lib/index.js';
import { createApp, createAuthenticate, get } from '../support/api.js';
import { ORIGIN } from '../support/dpop-sender.js';
import { createEndpoint } from '../support/endpoint.js';
import { activeRecord, inactiveRecord } from '../support/records.js';

const TOKEN = 'mF_9.B5f-4.1JqM';
const NOW = 1_800_000_000_000;
const API = 'https://api.example.com';

function explained(reason: AuthErrorReason, claims: Record<string, unknown> = {}, evidence: Partial<Evidence> = {}) {
  const error = new AuthError(reason);
  const record = { ...activeRecord(claims), askedAt: NOW };
  keepEvidence(error, {
    token: TOKEN,
    record,
    expected: { audience: [API], issuer: 'https://as' },
    now: NOW,
    ...evidence,
  });
  return explain(error);
}

describe('explain', () => {
  it.each<[AuthErrorReason, Record<string, unknown>, object]>([
    ['audience_mismatch', { aud: 'x' }, { expected: `aud "${API}"`, received: 'aud "x"' }],
    ['audience_mismatch', { aud: `${API}/` }, { detail: 'slash', expected: `aud "${API}"`, received: `aud "${API}/"` }],
    [
      'audience_mismatch',
      { aud: ['a', 'b', 'c', 'd', 'e'] },
      { expected: `aud "${API}"`, received: 'aud "a", "b", "c" and 2 more' },
    ],
    [
      'audience_mismatch',
      { aud: [] },
      { detail: 'no aud, no token_type', expected: `aud "${API}"`, received: 'no aud' },
    ],
    ['audience_mismatch', { token_type: 'Bearer' }, { detail: 'no aud', expected: `aud "${API}"`, received: 'no aud' }],
    [
      'issuer_mismatch',
      { iss: 'https://as/' },
      { detail: 'slash', expected: 'iss "https://as"', received: 'iss "https://as/"' },
    ],
    ['issuer_mismatch', { iss: 'https://b' }, { expected: 'iss "https://as"', received: 'iss "https://b"' }],
    ['issuer_mismatch', {}, { detail: 'no iss', expected: 'iss "https://as"', received: 'no iss' }],
    [
      'expired',
      { exp: NOW / 1000 - 601 },
      { detail: 'clock', expected: 'exp in the future', received: 'exp 601 s ago' },
    ],
    ['expired', { exp: 0 }, { detail: 'exp is 0', expected: 'exp in the future', received: 'exp 0' }],
    [
      'not_yet_valid',
      { nbf: NOW / 1000 + 601 },
      { detail: 'clock', expected: 'nbf in the past', received: 'nbf in 601 s' },
    ],
    ['refresh_token', { token_type: 'refresh_token' }, { expected: 'an access token', received: 'a refresh token' }],
    ['claims_rejected', { tenant: 'x' }, {}],
    ['sender_constrained', { cnf: { jkt: 'x' } }, {}],
  ])('explains %s with claims %j', (reason, claims, expected) => {
    expect(explained(reason, claims)).toEqual(expected);
  });

  it('does not mention clocks when exp passed after the endpoint was asked', () => {
    const record = { ...activeRecord({ exp: NOW / 1000 - 1 }), askedAt: NOW - 30_000 };
    expect(explained('expired', {}, { record })).toEqual({ expected: 'exp in the future', received: 'exp 1 s ago' });
  });

  it.each([
    ['Bearer abc', 'the word Bearer', 'the word Bearer twice'],
    ['bearer  abc', 'the word Bearer', 'the word Bearer twice'],
    ['"abc"', 'quotes', 'a token in quotation marks'],
    ["'a b'", 'quotes', 'a token in quotation marks'],
    ['a b', 'spaces', 'a token with spaces'],
    ['abc\n', 'spaces', 'a token with spaces'],
    ['bearerabc%', undefined, undefined],
    ['abc%', undefined, undefined],
  ])('names the mistake in the malformed token %j', (token, detail, received) => {
    const explanation = explained('malformed_credentials', {}, { token, record: undefined });
    expect(explanation).toEqual({ ...(detail && { detail, received }), expected: 'a bearer token' });
  });

  it('shows the required scopes, but not the granted ones', () => {
    const error = new AuthError('insufficient_scope', ['read', 'admin']);
    keepEvidence(error, {
      token: TOKEN,
      record: activeRecord({ scope: 'own' }),
      expected: { audience: false, issuer: undefined },
      now: NOW,
    });
    expect(explain(error)).toEqual({ expected: 'scope "read", "admin"' });
  });

  it.each<AuthErrorReason>(['inactive', 'audience_mismatch', 'expired'])(
    'returns nothing for %s without evidence or with an inactive record',
    (reason) => {
      expect(explain(new AuthError(reason))).toEqual({});
      expect(explained(reason, {}, { record: inactiveRecord() })).toEqual({});
    },
  );
});

describe('values of the server in an explanation', () => {
  const received = (aud: string) => explained('audience_mismatch', { aud }).received;

  it('have control characters escaped', () => {
    expect(received('\u001b[2J\u202e')).toBe('aud "\\u001b[2J\\u202e"');
  });

  it('are cut after 100 characters', () => {
    expect(received('x'.repeat(101))).toBe(`aud "${'x'.repeat(100)}…"`);
    expect(received('x'.repeat(100))).toBe(`aud "${'x'.repeat(100)}"`);
  });

  it('are hidden when they contain the token, even after the cut', () => {
    expect(received(`urn:${TOKEN}`)).toBe('aud (a value with the token in it)');
    expect(received(`${'x'.repeat(200)}${TOKEN}`)).toBe('aud (a value with the token in it)');
    expect(explained('issuer_mismatch', { iss: TOKEN }).received).toBe('iss (a value with the token in it)');
  });
});

describe('a malformed token of a request', () => {
  const QUOTED = '"abc"';

  async function explanations(scheme: string, isSelected: boolean) {
    const found: unknown[] = [];
    const one = createAuthenticate(await createEndpoint({ active: true }), {
      dpop: { origin: ORIGIN },
      onReject(error, _req, _res, next) {
        found.push(explain(error));
        next?.(error);
      },
    });
    const middleware = isSelected ? selectServer({ one }, () => 'one') : one;
    const request = get(createApp(middleware as never)).set('Authorization', `${scheme} ${QUOTED}`);
    await (scheme === 'DPoP' ? request.set('DPoP', 'a.b.c') : request);
    return found;
  }

  it.each([
    ['Bearer', false],
    ['DPoP', false],
    ['Bearer', true],
    ['DPoP', true],
  ])('is explained with scheme %s (one of several servers: %p)', async (scheme, isSelected) => {
    expect(await explanations(scheme, isSelected)).toEqual([
      { detail: 'quotes', expected: 'a bearer token', received: 'a token in quotation marks' },
    ]);
  });
});
