import { MockAgent } from 'undici';
import { bearerToken, noClientAuth, tokenIntrospection } from '../../lib/index.js';
import {
  errorOf,
  HUSH,
  normalize,
  type Options,
  PUBLIC_KEY,
  REMEDIES,
  REQUIRED,
  SIGNED,
} from '../support/option-cases.js';

describe('contradictory options', () => {
  const call = (): undefined => undefined;

  it.each<[string, Options, string]>([
    [
      'endpoint and authorizationServer',
      { authorizationServer: 'https://as.example.com' },
      'Option "endpoint" is a string that cannot be used; leave it out: the metadata of "authorizationServer" name it',
    ],
    ...[false, 'reports', 'urn:example:api', ['https://a.example.com', 'https://b.example.com']].map(
      (audience): [string, Options, string] => [
        `DPoP without an origin, for the audience ${audience}`,
        { audience, dpop: true },
        'Option "dpop.origin" is missing; write the origin that clients call, such as \'https://api.example.com\'',
      ],
    ),
    [
      'signed responses without an issuer',
      { ...SIGNED, authorizationServer: undefined, jwtResponse: { keys: PUBLIC_KEY } },
      'Option "jwtResponse.issuer" is missing; write the "iss" of signed responses',
    ],
    [
      'signed responses without a client identifier',
      { ...SIGNED, endpoint: undefined, clientAuth: bearerToken('abc'), jwtResponse: true },
      'Option "jwtResponse.audience" is missing; write the "aud" of signed responses, or a list of them',
    ],
    [
      'signed responses without keys',
      { ...SIGNED, authorizationServer: undefined, issuer: 'https://as.example.com', jwtResponse: true },
      `Option "jwtResponse.keys" is missing; ${REMEDIES['jwtResponse.keys']}`,
    ],
    [
      'signed responses for a client without authentication',
      { jwtResponse: { issuer: 'a', audience: 'b', keys: PUBLIC_KEY } },
      'Option "clientAuth" is an object that cannot be used; write a method with credentials: "jwtResponse" requires an authenticated client (RFC 9701 section 4)',
    ],
    [
      'signed responses and normalizeResponse',
      { ...SIGNED, endpoint: undefined, jwtResponse: true, normalizeResponse: normalize },
      'Option "normalizeResponse" is a function that cannot be used; leave it out: RFC 9701 defines the format of signed responses',
    ],
    [
      'signed responses and an Accept header',
      { ...SIGNED, endpoint: undefined, jwtResponse: true, headers: { Accept: HUSH } },
      'Option "headers.accept" is a string that cannot be used; leave it out: "jwtResponse" provides it',
    ],
    [
      'keys at an http: URL',
      { ...SIGNED, endpoint: undefined, jwtResponse: { keys: 'http://as.example.com/jwks' } },
      'Option "jwtResponse.keys" is a string that cannot be used; write an https: URL; http: is for loopback hosts, or with dangerouslyAllowHttp',
    ],
    [
      'getToken and tokenFromBody',
      { getToken: call, tokenFromBody: true },
      'Option "tokenFromBody" is true; leave it out: "getToken" reads the token',
    ],
    [
      'dpop.required and tokenFromBody',
      { dpop: { required: true }, tokenFromBody: true },
      'Option "tokenFromBody" is true; leave it out: "dpop.required" needs the Authorization header',
    ],
    [
      'dpop.required and getToken',
      { dpop: { required: true }, getToken: call },
      'Option "getToken" is a function that cannot be used; leave it out: "dpop.required" needs the Authorization header',
    ],
    [
      'a dispatcher and TLS material',
      { dispatcher: new MockAgent(), clientAuth: { ...noClientAuth(), connect: { cert: HUSH } } },
      'Option "dispatcher" is an object that cannot be used; leave it out: "clientAuth" opens connections of its own, with its TLS material',
    ],
    [
      'a parameter with the name of the token',
      { parameters: { token: HUSH } },
      'Option "parameters.token" is a string that cannot be used; leave it out: the token and "clientAuth" provide it',
    ],
    [
      'a parameter with the name of tokenParameter',
      { tokenParameter: 'access_token', parameters: { access_token: HUSH } },
      'Option "parameters.access_token" is a string that cannot be used; leave it out: the token and "clientAuth" provide it',
    ],
    ...['client_id', 'client_secret', 'client_assertion', 'client_assertion_type'].flatMap(
      (name): [string, Options, string][] => [
        [
          `a parameter ${name}`,
          { parameters: { [name]: HUSH } },
          `Option "parameters.${name}" is a string that cannot be used; leave it out: the token and "clientAuth" provide it`,
        ],
        [
          `tokenParameter ${name}`,
          { tokenParameter: name },
          'Option "tokenParameter" is a string that cannot be used; write another name: "clientAuth" uses this one',
        ],
      ],
    ),
    ...[
      'Authorization',
      'content-type',
      'Content-Length',
      'HOST',
      'accept-encoding',
      'Connection',
      'transfer-encoding',
    ].map((name): [string, Options, string] => [
      `a header ${name}`,
      { headers: { [name]: HUSH } },
      `Option "headers.${name.toLowerCase()}" is a string that cannot be used; leave it out: "clientAuth" and "requestFormat" provide it`,
    ]),
  ])('are rejected: %s', (_, options, message) => {
    expect(errorOf({ ...REQUIRED, ...options })).toBe(message);
  });

  it('are rejected by with() too: getToken for a middleware with tokenFromBody', () => {
    const authenticate = tokenIntrospection({ ...REQUIRED, tokenFromBody: true });
    const message = 'Option "tokenFromBody" is true; leave it out: "getToken" reads the token';
    expect(errorOf({ getToken: call }, authenticate.with)).toBe(message);
    expect(() => authenticate.with({ getToken: call, tokenFromBody: false })).not.toThrow();
  });
});
