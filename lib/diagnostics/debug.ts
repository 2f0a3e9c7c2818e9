import { debuglog } from 'node:util';
import type { AuthError } from '../core/errors.js';
import type { Decision } from './channels.js';
import { explain } from './explain.js';
import { printable } from './printable.js';
import { remedyFor } from './remedies.js';

const log = debuglog('express-token-introspection');

/** Whether `NODE_DEBUG` includes `express-token-introspection`. The variable is read once, because Node ignores later changes. */
export const isDebugging = log.enabled;

/** Details that the line printed with `NODE_DEBUG` shows in addition to the decision. They are not published on the decision channel. */
export interface DebugContext {
  readonly error?: unknown;
  /** Method and route of the request, or its path if the route is not known. */
  readonly route?: string | undefined;
}

/** Prints a decision as one line, if `NODE_DEBUG` includes `express-token-introspection`. */
export function printDecision(decision: Decision, context: DebugContext = {}): void {
  log('%s', lineOf(decision, context));
}

/** Formats a decision as one line. Exported for tests. */
export function lineOf(decision: Decision, { error, route }: DebugContext): string {
  const { outcome, status, reason, by, stale, tokenDigest } = decision;
  const isRejection = outcome === 'rejected' && error !== undefined;
  const { detail, expected, received } = isRejection
    ? explain(error as AuthError)
    : { ...detailOf(error), expected: undefined, received: undefined };
  const parts = [
    [outcome, status, reason].filter((part) => part !== undefined).join(' '),
    `by ${by}`,
    route && `route ${printable(route)}`,
    expected && `expected ${expected}`,
    received && `received ${received}`,
    !isRejection && detail && `detail ${detail}`,
    stale && 'stale response',
    tokenDigest && `token digest ${tokenDigest}`,
    reason && remedyFor(reason, detail),
  ];
  return parts.filter(Boolean).join('; ');
}

function detailOf(error: unknown): { readonly detail?: string } {
  const detail = typeof error === 'object' && error !== null && 'detail' in error ? error.detail : undefined;
  return typeof detail === 'string' ? { detail } : {};
}
