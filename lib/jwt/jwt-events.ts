import { tokenDigest } from '../core/token-digest.js';
import { digestOf, type JwtEvent, jwtEvents } from '../diagnostics/channels.js';

export type JwtFault = NonNullable<JwtEvent['fault']>;

export function publishOutcome(token: string, outcome: JwtEvent['outcome'], fault?: JwtFault): void {
  if (!jwtEvents.hasSubscribers) return;
  const event: JwtEvent = {
    outcome,
    ...(fault !== undefined && { fault }),
    tokenDigest: digestOf(tokenDigest(token)),
  };
  jwtEvents.publish(event);
}
