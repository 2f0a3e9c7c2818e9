import { emitWarning } from 'node:process';
import { type Misconfiguration, misconfigurations } from './channels.js';

const AN_HOUR_MS = 3_600_000;

/**
 * Creates a function that reports one kind of misconfiguration: as a process warning, and on the misconfiguration channel. It reports at
 * most once an hour, and ignores other calls.
 */
export function createWarning(code: Misconfiguration['code']): (remedy: string, detail?: string) => void {
  let quietUntil = Number.NEGATIVE_INFINITY;
  return (remedy, detail) => {
    const now = performance.now();
    if (now < quietUntil) return;
    quietUntil = now + AN_HOUR_MS;
    emitWarning(remedy, { type: 'TokenIntrospectionWarning', code, ...(detail !== undefined && { detail }) });
    if (!misconfigurations.hasSubscribers) return;
    const event: Misconfiguration = { code, ...(detail !== undefined && { detail }), remedy };
    misconfigurations.publish(event);
  };
}
