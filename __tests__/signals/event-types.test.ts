import { eventTypeOf, KNOWN_EVENTS } from '../../lib/signals/event-types.js';
import { CAEP, RISC, SSF } from '../support/signals.js';

const INVALIDATE = [
  ...['session-revoked', 'token-claims-change', 'credential-change'].map((name) => `${CAEP}/${name}`),
  ...['assurance-level-change', 'device-compliance-change', 'risk-level-change'].map((name) => `${CAEP}/${name}`),
  ...['account-credential-change-required', 'account-disabled', 'account-purged'].map((name) => `${RISC}/${name}`),
  ...['credential-compromise', 'identifier-changed', 'sessions-revoked'].map((name) => `${RISC}/${name}`),
];

const NONE = [
  ...['session-established', 'session-presented'].map((name) => `${CAEP}/${name}`),
  ...['account-enabled', 'identifier-recycled', 'opt-in', 'opt-out-cancelled'].map((name) => `${RISC}/${name}`),
  ...['opt-out-effective', 'opt-out-initiated', 'recovery-activated'].map((name) => `${RISC}/${name}`),
  ...['recovery-information-changed'].map((name) => `${RISC}/${name}`),
  ...['stream-updated', 'verification'].map((name) => `${SSF}/${name}`),
];

it.each([...INVALIDATE.map((uri) => [uri, 'invalidate'] as const), ...NONE.map((uri) => [uri, 'none'] as const)])(
  'the event type %s has the effect %s',
  (uri, effect) => {
    expect(eventTypeOf(uri)).toEqual({ name: uri.split('/').at(-1), effect });
  },
);

it.each([
  'https://example.com/session-revoked',
  `${RISC}/session-revoked`,
  `${CAEP}/session-revoked/`,
  'session-revoked',
  '__proto__',
])('the unknown event type %s has no effect', (uri) => {
  expect(eventTypeOf(uri)).toEqual({ name: 'other', effect: 'none' });
});

it('there are no other known event types', () => {
  expect(KNOWN_EVENTS).toHaveLength(INVALIDATE.length + NONE.length);
});
