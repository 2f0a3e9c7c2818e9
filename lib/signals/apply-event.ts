import { isDeepStrictEqual } from 'node:util';
import { ownMember } from '../core/own-members.js';
import type { SignalEvent } from '../diagnostics/channels.js';
import { type EventType, eventTypeOf } from './event-types.js';
import type { SignalSettings } from './options.js';
import { publishSignal } from './publish-signal.js';
import { createSeenSignals } from './seen-signals.js';
import { SignalError } from './signal-error.js';
import type { VerifiedSignal } from './signal-verifier.js';
import { type SubjectSettings, targetsOf } from './subject.js';

/**
 * Applies the events of a security event token (RFC 8417): invalidates the tokens of their subject. Resolves when this process has applied
 * the invalidation, and the store, if there is one, holds it. Also resolves if the events have no effect on tokens, or if it is not known
 * which tokens belong to the subject.
 *
 * @throws SignalError
 */
export type ApplyEvent = (signal: VerifiedSignal) => Promise<void>;

/** @param by name of the function that received the security event tokens, for diagnostics */
export function createApplyEvent(
  by: SignalEvent['by'],
  settings: SignalSettings,
  subjects: SubjectSettings,
): ApplyEvent {
  const seen = createSeenSignals(settings.clock, settings.keepMs);

  return async ({ claims, payload }) => {
    const events = eventsOf(claims);
    const subject = subjectOf(claims, events);
    const types = events.map(({ type }) => type);
    for (const { name, effect } of types) if (effect === 'none') publishSignal({ by, outcome: 'ignored', event: name });
    const effective = types.filter(({ effect }) => effect === 'invalidate');
    if (effective.length === 0) return;
    const targets = await targetsOf(subject, subjects);
    const outcome =
      typeof targets === 'string' ? targets : await seen.once(payload, '', () => settings.invalidate(targets));
    const published = outcome === 'done' ? 'applied' : outcome;
    for (const { name } of effective) publishSignal({ by, outcome: published as SignalEvent['outcome'], event: name });
  };
}

interface SecurityEvent {
  readonly type: EventType;
  readonly subject: unknown;
}

/**
 * Returns the events of a security event token. The claim `events` must be an object with at least one member, and each value must be an
 * object (RFC 8417 section 2.2).
 */
function eventsOf(claims: object): SecurityEvent[] {
  const events = ownMember(claims, 'events');
  if (!isObject(events)) throw new SignalError('wrong_events');
  const all = Object.entries(events).map(([uri, event]) => {
    if (!isObject(event)) throw new SignalError('wrong_events');
    return { type: eventTypeOf(uri), subject: ownMember(event, 'subject') };
  });
  if (all.length === 0) throw new SignalError('wrong_events');
  return all;
}

/**
 * Returns the subject of a security event token: the claim `sub_id`, or the member `subject` of its events, as in earlier drafts, or the
 * claims `iss` and `sub`. Returns `undefined`, which identifies no subject, if the token has none of these. If it has more than one, they
 * must name the same subject.
 *
 * @throws SignalError `wrong_subject` if they name different subjects
 */
function subjectOf(claims: object, events: readonly SecurityEvent[]): unknown {
  const named = [ownMember(claims, 'sub_id'), ...events.map(({ subject }) => subject)];
  const [first, ...others] = named.filter((subject) => subject !== undefined);
  if (others.some((other) => !isDeepStrictEqual(other, first))) throw new SignalError('wrong_subject');
  const sub = ownMember(claims, 'sub');
  if (sub === undefined) return first;
  if (first === undefined) return { format: 'iss_sub', iss: ownMember(claims, 'iss'), sub };
  if (ownMember(first, 'format') !== 'iss_sub' || ownMember(first, 'sub') !== sub)
    throw new SignalError('wrong_subject');
  return first;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
