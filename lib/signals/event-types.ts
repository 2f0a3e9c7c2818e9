/** Says what a type of event means for the tokens of the event's subject. */
export interface EventType {
  /** Last part of the URI of the type, for diagnostics; `other` for an unknown type. */
  readonly name: string;
  readonly effect: 'invalidate' | 'none';
}

const BASE = 'https://schemas.openid.net/secevent';

/**
 * The event types of the [Continuous Access Evaluation Profile 1.0](https://openid.net/specs/openid-caep-1_0-final.html), section 3: those
 * that invalidate tokens, and those that have no effect.
 */
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

/** The event types of the [RISC Profile 1.0](https://openid.net/specs/openid-risc-1_0-final.html), section 2. */
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

/**
 * The event types of the [Shared Signals Framework 1.0](https://openid.net/specs/openid-sharedsignals-framework-1_0-final.html), section
 * 8.1. They are about the stream and not about tokens.
 */
const STREAM = { invalidate: [], none: ['stream-updated', 'verification'] };

const OTHER: EventType = { name: 'other', effect: 'none' };

const TYPES: ReadonlyMap<string, EventType> = new Map([
  ...typesOf('caep', CAEP),
  ...typesOf('risc', RISC),
  ...typesOf('ssf', STREAM),
]);

/** All event types with a known meaning. */
export const KNOWN_EVENTS: readonly EventType[] = [...TYPES.values()];

/** Returns the meaning of an event type. Events of an unknown type have no effect. */
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
