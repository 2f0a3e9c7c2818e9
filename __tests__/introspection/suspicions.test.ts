import { IntrospectionError, type IntrospectionErrorCode } from '../../lib/errors.js';
import { createSuspicions } from '../../lib/introspection/suspicions.js';
import { recordEvents } from '../support/channels.js';
import { activeRecord, inactiveRecord } from '../support/records.js';
import { recordWarnings } from '../support/warnings.js';

const INACTIVE = inactiveRecord();

function times(count: number, act: () => void): void {
  for (let index = 0; index < count; index++) act();
}

describe('failures of the endpoint', () => {
  it.each<[IntrospectionErrorCode, string | undefined, string]>([
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
  ])('such as %s, %s are told as %s', (failure, detail, code) => {
    const warnings = recordWarnings();
    createSuspicions(undefined).aboutFailure(new IntrospectionError(failure, detail));
    expect(warnings).toEqual([
      { text: expect.stringMatching(/^The introspection endpoint cannot be asked/), code, detail },
    ]);
  });

  it.each<[IntrospectionErrorCode, string | undefined]>([
    ['bad_response', 'HTTP 201'],
    ['bad_response', 'HTTP 410'],
    ['bad_response', 'member exp'],
    ['bad_response', 'too large'],
    ['bad_response', undefined],
    ['server_error', 'HTTP 404'],
    ['timeout', undefined],
    ['unreachable', 'ECONNREFUSED'],
    ['rate_limited', 'HTTP 429'],
    ['circuit_open', undefined],
    ['credentials_unavailable', undefined],
  ])('such as %s, %s are told to nobody', (failure, detail) => {
    const warnings = recordWarnings();
    const { aboutFailure } = createSuspicions(undefined);
    aboutFailure(new IntrospectionError(failure, detail));
    aboutFailure(new Error('other'));
    aboutFailure(undefined);
    expect(warnings).toEqual([]);
  });

  it('are told once for each kind, with what to do about them', () => {
    const warnings = recordWarnings();
    const { aboutFailure } = createSuspicions(undefined);
    times(3, () => {
      aboutFailure(new IntrospectionError('client_rejected', 'HTTP 401'));
      aboutFailure(new IntrospectionError('client_rejected', 'HTTP 403'));
      aboutFailure(new IntrospectionError('bad_response', 'HTTP 404'));
    });
    expect(warnings.map(({ code }) => code)).toEqual(['CLIENT_REJECTED', 'NOT_AN_ENDPOINT']);
    expect(warnings[0]?.text).toContain('Are identifier and secret (or key) right');
    expect(warnings[1]?.text).toContain('no introspection endpoint at this path');
  });
});

describe('answers that are all inactive', () => {
  it('are told once there have been a hundred from the start, and once only', () => {
    const warnings = recordWarnings();
    const { about } = createSuspicions(undefined);
    times(99, () => about(INACTIVE));
    expect(warnings).toEqual([]);
    about(INACTIVE);
    expect(warnings).toEqual([
      { text: expect.stringContaining('called each of 100 tokens inactive'), code: 'ALL_INACTIVE', detail: undefined },
    ]);
    times(1000, () => about(INACTIVE));
    expect(warnings).toHaveLength(1);
  });

  it.each([0, 1, 99])('are no matter where one was active after %d', (before) => {
    const events = recordEvents('misconfiguration');
    recordWarnings();
    const { about } = createSuspicions(undefined);
    times(before, () => about(INACTIVE));
    about(activeRecord());
    times(500, () => about(INACTIVE));
    expect(events).toEqual([]);
  });
});

describe('methods of client authentication', () => {
  it('that the metadata do not name are told, with those that are configured', () => {
    const warnings = recordWarnings();
    const { aboutMethods } = createSuspicions(['client_secret_basic', 'client_secret_post']);
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
  ])('that are %s are no matter', (_, configured, advertised) => {
    const warnings = recordWarnings();
    createSuspicions(configured).aboutMethods(advertised);
    expect(warnings).toEqual([]);
  });
});
