import { IntrospectionError, type IntrospectionErrorCode } from '../../lib/core/errors.js';
import { createConfigurationWarnings } from '../../lib/introspection/configuration-warnings.js';
import { activeRecord, inactiveRecord } from '../support/records.js';
import { recordWarnings } from '../support/warnings.js';

type Failure = [failure: IntrospectionErrorCode, detail: string | undefined, code: string];

/** Failures that do not end by themselves, but that any client's token may cause. */
const LASTING: Failure[] = [
  ['client_rejected', 'HTTP 400', 'CLIENT_REJECTED'],
  ['client_rejected', 'HTTP 401', 'CLIENT_REJECTED'],
  ['client_rejected', 'HTTP 403', 'CLIENT_REJECTED'],
  ['bad_response', 'HTTP 302', 'NOT_AN_ENDPOINT'],
  ['bad_response', 'HTTP 308', 'NOT_AN_ENDPOINT'],
  ['bad_response', 'redirect', 'NOT_AN_ENDPOINT'],
  ['bad_response', 'media type', 'NOT_AN_ENDPOINT'],
  ['bad_response', 'not JSON', 'NOT_AN_ENDPOINT'],
  ['bad_response', 'HTTP 404', 'NOT_AN_ENDPOINT'],
  ['bad_response', 'HTTP 405', 'NOT_AN_ENDPOINT'],
];

/** Failures that do not end by themselves, and that no token can cause. */
const AT_ONCE: Failure[] = [
  ['unreachable', 'ENOTFOUND', 'UNREACHABLE'],
  ['unreachable', 'CERT_HAS_EXPIRED', 'UNREACHABLE'],
  ['unreachable', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UNREACHABLE'],
  ['unreachable', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNREACHABLE'],
  ['unreachable', 'ERR_TLS_CERT_ALTNAME_INVALID', 'UNREACHABLE'],
  ['unreachable', 'ERR_SSL_WRONG_VERSION_NUMBER', 'UNREACHABLE'],
  ['discovery_failed', 'HTTP 302', 'DISCOVERY_FAILED'],
  ['discovery_failed', 'HTTP 403', 'DISCOVERY_FAILED'],
  ['discovery_failed', 'HTTP 404', 'DISCOVERY_FAILED'],
  ['discovery_failed', 'media type', 'DISCOVERY_FAILED'],
  ['discovery_failed', 'not JSON', 'DISCOVERY_FAILED'],
  ['discovery_failed', 'not metadata', 'DISCOVERY_FAILED'],
  ['discovery_failed', 'content coding', 'DISCOVERY_FAILED'],
  ['discovery_failed', 'ENOTFOUND', 'DISCOVERY_FAILED'],
  ['discovery_failed', 'SELF_SIGNED_CERT_IN_CHAIN', 'DISCOVERY_FAILED'],
];

/** Failures that any client's token may cause at a healthy endpoint. */
const PROVOKABLE: Failure[] = [
  ['unreachable', 'HTTP 403, not from the endpoint', 'NOT_FROM_THE_ENDPOINT'],
  ['bad_response', 'signed reply: not signed', 'SIGNED_REPLY_REJECTED'],
  ['bad_response', 'signed reply: ERR_JOSE_ALG_NOT_ALLOWED', 'SIGNED_REPLY_REJECTED'],
  ['bad_response', 'malformed HTTP', 'NOT_AN_ENDPOINT'],
];

/** Failures that may end by themselves. */
const PASSING: Failure[] = [
  ['unreachable', 'ECONNREFUSED', 'UNREACHABLE'],
  ['unreachable', 'UND_ERR_SOCKET', 'UNREACHABLE'],
  ['unreachable', 'ECONNRESET', 'UNREACHABLE'],
  ['unreachable', undefined, 'UNREACHABLE'],
  ['timeout', undefined, 'UNREACHABLE'],
  ['discovery_failed', 'ECONNREFUSED', 'DISCOVERY_FAILED'],
  ['discovery_failed', 'HTTP 429', 'DISCOVERY_FAILED'],
  ['discovery_failed', 'HTTP 503', 'DISCOVERY_FAILED'],
  ['discovery_failed', 'timeout', 'DISCOVERY_FAILED'],
  ['discovery_failed', 'jwks_uri: HTTP 404', 'DISCOVERY_FAILED'],
];

function times(count: number, act: () => void): void {
  for (let index = 0; index < count; index++) act();
}

describe('a failure of the endpoint', () => {
  it.each(AT_ONCE)('causes a warning at once: %s, %s as %s', (failure, detail, code) => {
    const warnings = recordWarnings();
    const { about, aboutFailure } = createConfigurationWarnings(undefined, async () => {});
    about(activeRecord());
    aboutFailure(new IntrospectionError(failure, detail), false);
    expect(warnings).toEqual([
      { text: expect.stringMatching(/^The introspection endpoint cannot be used/), code, detail },
    ]);
  });

  it.each(LASTING)('causes a warning at once before the first response: %s, %s as %s', (failure, detail, code) => {
    const warnings = recordWarnings();
    const { aboutFailure } = createConfigurationWarnings(undefined, async () => {});
    aboutFailure(new IntrospectionError(failure, detail), false);
    expect(warnings).toEqual([
      { text: expect.stringMatching(/^The introspection endpoint cannot be used/), code, detail },
    ]);
  });

  it.each(LASTING)(
    'needs confirmation by a token of our own after the first response: %s, %s',
    (failure, detail, code) => {
      const warnings = recordWarnings();
      let asked = 0;
      const { about, aboutFailure } = createConfigurationWarnings(undefined, async () => {
        asked++;
      });
      about(activeRecord());
      const error = new IntrospectionError(failure, detail);
      times(4, () => aboutFailure(error, false));
      about(inactiveRecord());
      times(4, () => aboutFailure(error, false));
      expect(asked).toBe(0);
      aboutFailure(error, false);
      expect([asked, warnings]).toEqual([1, []]);
      aboutFailure(error, true);
      expect(warnings.map((warning) => warning.code)).toEqual([code]);
    },
  );

  it.each(PROVOKABLE)(
    'causes a warning after three failures before the first response: %s, %s as %s',
    (failure, detail, code) => {
      const warnings = recordWarnings();
      const { aboutFailure } = createConfigurationWarnings(undefined, async () => {});
      times(2, () => aboutFailure(new IntrospectionError(failure, detail), false));
      expect(warnings).toEqual([]);
      times(5, () => aboutFailure(new IntrospectionError(failure, detail), false));
      expect(warnings).toEqual([{ text: expect.any(String), code, detail: detail ?? failure }]);
    },
  );

  it.each([...PROVOKABLE, ...PASSING])('causes no warning after the first response: %s, %s', (failure, detail) => {
    const warnings = recordWarnings();
    const { about, aboutFailure } = createConfigurationWarnings(undefined, async () => {});
    about(inactiveRecord());
    times(100, () => aboutFailure(new IntrospectionError(failure, detail), false));
    expect(warnings).toEqual([]);
  });

  it.each(PROVOKABLE)('causes a warning at once for a token of our own: %s, %s', (failure, detail, code) => {
    const warnings = recordWarnings();
    const { about, aboutFailure } = createConfigurationWarnings(undefined, async () => {});
    about(activeRecord());
    aboutFailure(new IntrospectionError(failure, detail), true);
    expect(warnings.map((warning) => warning.code)).toEqual([code]);
  });

  it.each(PASSING)('causes no warning for a token of our own after the first response: %s, %s', (failure, detail) => {
    const warnings = recordWarnings();
    const { about, aboutFailure } = createConfigurationWarnings(undefined, async () => {});
    about(activeRecord());
    times(100, () => aboutFailure(new IntrospectionError(failure, detail), true));
    expect(warnings).toEqual([]);
  });

  it.each<[IntrospectionErrorCode, string | undefined]>([
    ['bad_response', 'HTTP 201'],
    ['bad_response', 'HTTP 410'],
    ['bad_response', 'member exp'],
    ['bad_response', 'too large'],
    ['bad_response', undefined],
    ['server_error', 'HTTP 404'],
    ['rate_limited', 'HTTP 429'],
    ['circuit_open', undefined],
    ['overloaded', undefined],
    ['credentials_unavailable', undefined],
  ])('never causes a warning: %s, %s', (failure, detail) => {
    const warnings = recordWarnings();
    const { aboutFailure } = createConfigurationWarnings(undefined, async () => {});
    times(5, () => {
      aboutFailure(new IntrospectionError(failure, detail), true);
      aboutFailure(new Error('other'), true);
      aboutFailure(undefined, true);
    });
    expect(warnings).toEqual([]);
  });

  it('causes one warning for each code, with a remedy', () => {
    const warnings = recordWarnings();
    const { aboutFailure } = createConfigurationWarnings(undefined, async () => {});
    times(3, () => {
      aboutFailure(new IntrospectionError('client_rejected', 'HTTP 401'), false);
      aboutFailure(new IntrospectionError('client_rejected', 'HTTP 403'), false);
      aboutFailure(new IntrospectionError('bad_response', 'HTTP 404'), false);
    });
    expect(warnings.map(({ code }) => code)).toEqual(['CLIENT_REJECTED', 'NOT_AN_ENDPOINT']);
    expect(warnings[0]?.text).toContain('Check the client identifier, the secret');
    expect(warnings[1]?.text).toContain('no introspection endpoint at this path');
  });
});

describe('wasAnyActive', () => {
  it('is true from the first active response on', () => {
    const { about, wasAnyActive } = createConfigurationWarnings(undefined, async () => {});
    about(inactiveRecord());
    expect(wasAnyActive()).toBe(false);
    about(activeRecord());
    about(inactiveRecord());
    expect(wasAnyActive()).toBe(true);
  });
});

describe('aboutMethods', () => {
  it('warns when the metadata do not list the configured methods', () => {
    const warnings = recordWarnings();
    const { aboutMethods } = createConfigurationWarnings(['client_secret_basic', 'client_secret_post'], async () => {});
    times(3, () => aboutMethods(['private_key_jwt']));
    expect(warnings).toEqual([
      {
        text: expect.stringContaining('(client_secret_basic or client_secret_post)'),
        code: 'METHOD_NOT_ADVERTISED',
        detail: undefined,
      },
    ]);
    expect(warnings[0]?.text).not.toContain('private_key_jwt');
  });

  it.each<[string, string[] | undefined, string[] | undefined]>([
    ['named', ['client_secret_basic'], ['private_key_jwt', 'client_secret_basic']],
    ['one of those named', ['bearer', 'client_secret_post'], ['client_secret_post']],
    ['not said by the metadata', ['client_secret_basic'], undefined],
    ['not said by the configuration', undefined, ['private_key_jwt']],
  ])('does not warn about methods that are %s', (_, configured, advertised) => {
    const warnings = recordWarnings();
    createConfigurationWarnings(configured, async () => {}).aboutMethods(advertised);
    expect(warnings).toEqual([]);
  });
});
