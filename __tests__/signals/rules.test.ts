import { parseSignalOptions } from '../../lib/signals/options.js';
import { EVENT_RULES, LOGOUT_RULES, POLLING_RULES, REVOCATION_RULES } from '../../lib/signals/rules.js';
import { createRecorder, ISSUER } from '../support/signals.js';
import { createIssuerKey } from '../support/transmitter.js';

const OPTIONS = { authenticate: createRecorder(), issuer: ISSUER, audience: 'api', keys: createIssuerKey().publicKey };

const RULES = { LOGOUT_RULES, EVENT_RULES, REVOCATION_RULES, POLLING_RULES };

/** Values of the options: accepted ones, rejected ones, and how the error says what to write. */
const VALUES: readonly (readonly [
  rules: keyof typeof RULES,
  name: string,
  accepted: readonly unknown[],
  rejected: readonly unknown[],
  remedy: string,
])[] = [
  [
    'LOGOUT_RULES',
    'issuer',
    ['as', 'https://as.example.com'],
    ['', 7],
    'write the "iss" of the tokens, exactly as the metadata of the issuer spell it',
  ],
  [
    'LOGOUT_RULES',
    'audience',
    ['a', ['a'], ['a', 'b']],
    ['', [], [''], ['a', ''], [7], 7],
    'write the "aud" of the tokens, or a list of accepted values',
  ],
  ['LOGOUT_RULES', 'maxAgeSeconds', [1, 1.5, 86_400], [0, 86_401, '1'], 'write a number of seconds from 1 to 86400'],
  ['LOGOUT_RULES', 'clockToleranceSeconds', [0, 300], [-1, 301], 'write a number of seconds from 0 to 300'],
  ['LOGOUT_RULES', 'allowJwtType', [true, false], [1, 'true'], 'write true or false'],
  ['LOGOUT_RULES', 'scope', ['session', 'subject'], ['', 'user', true], "write 'session' or 'subject'"],
  ['EVENT_RULES', 'scope', ['session', 'subject'], ['user'], "write 'session' or 'subject'"],
  [
    'EVENT_RULES',
    'subject',
    [() => undefined],
    ['sub', {}],
    'write (identifier) => ({ sub: … }), or undefined for an unknown subject',
  ],
  [
    'REVOCATION_RULES',
    'audience',
    ['https://api.example.com/a', ['https://a.example.com', 'urn:api']],
    ['', 'api', [], ['api'], ['https://a.example.com', 'api'], 7],
    'write the URL of this handler, or a list of URLs',
  ],
  [
    'POLLING_RULES',
    'endpoint',
    ['https://as.example.com/poll', new URL('https://as.example.com/poll')],
    ['', '/poll', 7, {}],
    'write the URL that the transmitter gave you for polling',
  ],
  [
    'POLLING_RULES',
    'token',
    ['token', () => 'token'],
    ['', 7, {}],
    'write the access token for the transmitter, or a function that returns it',
  ],
  ['POLLING_RULES', 'maxEvents', [1, 100], [0, 101, 1.5, '1'], 'write a whole number from 1 to 100'],
];

it.each(VALUES)('%s: the option "%s" accepts some values, and says what to write instead of others', (...row) => {
  const [rules, name, accepted, rejected, remedy] = row;
  const audience = 'https://api.example.com';
  const parse = (value: unknown) =>
    parseSignalOptions('securityEvents', { ...OPTIONS, audience, [name]: value }, RULES[rules]);
  for (const value of accepted) expect(parse(value).options).toMatchObject({ [name]: value });
  for (const value of rejected) {
    expect(() => parse(value)).toThrow(
      expect.objectContaining({
        name: 'TypeError',
        message: expect.stringMatching(new RegExp(`^Option "${name}" is .*; ${escaped(remedy)}$`)),
      }),
    );
  }
});

it.each<[string, unknown, string]>([
  ['authenticate', undefined, 'write what tokenIntrospection() returned'],
  ['issuer', undefined, 'write the "iss" of the tokens, exactly as the metadata of the issuer spell it'],
  ['audience', undefined, 'write the "aud" of the tokens, or a list of accepted values'],
  ['keys', 'x', 'write the public key of the issuer (PEM, JWK, KeyObject or CryptoKey), a JWK Set, or its URL'],
  [
    'keys',
    'http://as.example.com/jwks',
    'write an https: URL; http: is for loopback hosts, or with dangerouslyAllowHttp',
  ],
  ['dispatcher', {}, 'write an undici Dispatcher'],
  ['clock', {}, 'write { now, monotonic }, both returning milliseconds'],
  ['algorithms', ['HS256'], "write a list of algorithms that sign with a private key, such as ['ES256']"],
])('a handler cannot be created with %s: %j', (name, value, remedy) => {
  expect(() => parseSignalOptions('securityEvents', { ...OPTIONS, [name]: value }, EVENT_RULES)).toThrow(remedy);
});

function escaped(text: string): string {
  return text.replace(/[()[\]{}.?*+^$|\\]/g, '\\$&');
}
