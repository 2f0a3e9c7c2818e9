/** What an event means for the tokens of its subject. */
export interface EventType {
  /** Last part of the type, for diagnostics. */
  readonly name: string;
  readonly effect: 'invalidate' | 'none';
}

const BASE = 'https://schemas.openid.net/secevent';

/** [Continuous Access Evaluation Profile 1.0](https://openid.net/specs/openid-caep-1_0-final.html) section 3. */
const CAEP = {
  invalidate: [
    'session-revoked',
    'token-claims-change',
    'credential-change',
    'assurance-level-change',
    'device-compliance-change',
    'risk-level-change',
  ],
  none: ['session-established', 'session-presented'],
};

/** [RISC Profile 1.0](https://openid.net/specs/openid-risc-1_0-final.html) section 2. */
const RISC = {
  invalidate: [
    'account-credential-change-required',
    'account-disabled',
    'account-purged',
    'credential-compromise',
    'identifier-changed',
    'sessions-revoked',
  ],
  none: [
    'account-enabled',
    'identifier-recycled',
    'opt-in',
    'opt-out-cancelled',
    'opt-out-effective',
    'opt-out-initiated',
    'recovery-activated',
    'recovery-information-changed',
  ],
};

/** [Shared Signals Framework 1.0](https://openid.net/specs/openid-sharedsignals-framework-1_0-final.html) section 8.1. */
const STREAM = { invalidate: [], none: ['stream-updated', 'verification'] };

const OTHER: EventType = { name: 'other', effect: 'none' };

const TYPES: ReadonlyMap<string, EventType> = new Map([
  ...typesOf('caep', CAEP),
  ...typesOf('risc', RISC),
  ...typesOf('ssf', STREAM),
]);

/** All event types with a known meaning. */
export const KNOWN_EVENTS: readonly EventType[] = [...TYPES.values()];

/** The meaning of an event type. An unknown one has no effect. */
export function eventTypeOf(uri: string): EventType {
  return TYPES.get(uri) ?? OTHER;
}

function* typesOf(
  profile: string,
  names: Readonly<Record<EventType['effect'], readonly string[]>>,
): Generator<[string, EventType]> {
  for (const effect of ['invalidate', 'none'] as const) {
    for (const name of names[effect]) yield [`${BASE}/${profile}/event-type/${name}`, { name, effect }];
  }
}
