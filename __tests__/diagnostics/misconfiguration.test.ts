import { channel } from 'node:diagnostics_channel';
import { CHANNELS } from '../../lib/diagnostics/channels.js';
import { createWarning } from '../../lib/diagnostics/misconfiguration.js';
import { recordEvents } from '../support/channels.js';
import { recordWarnings } from '../support/warnings.js';

const AN_HOUR_MS = 3_600_000;

afterEach(() => jest.restoreAllMocks());

describe('createWarning', () => {
  it('emits a process warning and publishes an event', () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const events = recordEvents('misconfiguration');
    createWarning('CLIENT_REJECTED')('Check the secret.', 'HTTP 401');
    createWarning('ALL_INACTIVE')('Check the client.');
    expect(warn.mock.calls).toStrictEqual([
      ['Check the secret.', { type: 'TokenIntrospectionWarning', code: 'CLIENT_REJECTED', detail: 'HTTP 401' }],
      ['Check the client.', { type: 'TokenIntrospectionWarning', code: 'ALL_INACTIVE' }],
    ]);
    expect(events).toStrictEqual([
      { code: 'CLIENT_REJECTED', detail: 'HTTP 401', remedy: 'Check the secret.' },
      { code: 'ALL_INACTIVE', remedy: 'Check the client.' },
    ]);
  });

  it('warns at most once an hour', () => {
    let now = 5;
    jest.spyOn(performance, 'now').mockImplementation(() => now);
    const warnings = recordWarnings();
    const events = recordEvents('misconfiguration');
    const warn = createWarning('NOT_AN_ENDPOINT');
    for (const [time, warned] of [
      [5, 1],
      [6, 1],
      [4 + AN_HOUR_MS, 1],
      [5 + AN_HOUR_MS, 2],
      [6 + AN_HOUR_MS, 2],
      [5 + 2 * AN_HOUR_MS, 3],
    ] as const) {
      now = time;
      warn('remedy', 'HTTP 404');
      expect([warnings.length, events.length]).toEqual([warned, warned]);
    }
  });

  it('counts each code separately', () => {
    const warnings = recordWarnings();
    createWarning('NOT_AN_ENDPOINT')('remedy');
    createWarning('CLIENT_REJECTED')('remedy');
    expect(warnings.map(({ code }) => code)).toEqual(['NOT_AN_ENDPOINT', 'CLIENT_REJECTED']);
  });

  it('warns without subscribers too, but publishes nothing', () => {
    const warnings = recordWarnings();
    const publish = jest.spyOn(channel(CHANNELS.misconfiguration), 'publish');
    createWarning('NOT_AN_ENDPOINT')('remedy');
    expect(warnings).toHaveLength(1);
    expect(publish).not.toHaveBeenCalled();
  });
});
