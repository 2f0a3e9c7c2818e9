import { IntrospectionError, type IntrospectionErrorCode } from '../core/errors.js';
import type { TokenRecord } from '../core/lookup.js';
import type { Misconfiguration } from '../diagnostics/channels.js';
import { createWarning } from '../diagnostics/misconfiguration.js';
import { remedyFor } from '../diagnostics/remedies.js';
import { supportsMethod } from './server-location.js';

/** Warns of what only an operator can mend, by what comes back from the endpoint. */
export interface ConfigurationWarnings {
  about(record: TokenRecord): void;
  /** @param isOurToken the request was about a random token of ours, so that no client can have caused the failure */
  aboutFailure(error: unknown, isOurToken: boolean): void;
  aboutMethods(advertised: readonly string[] | undefined): void;
  /** Whether any response was active. */
  wasAnyActive(): boolean;
}

/** So many failures give an alarm while no request has been answered. */
const FAILURES = 3;

/** After so many failures in a row, a failure that tokens of clients may have caused is confirmed by a token of ours. */
const FAILURES_TO_CONFIRM = 5;

interface Suspicion {
  readonly code: IntrospectionErrorCode;
  readonly detail: RegExp;
  readonly alarm: Misconfiguration['code'];
  /**
   * - `at once`: no token can cause it, and it does not end by itself
   * - `from the start`: it may end by itself, so that it counts only while no request has been answered
   * - `or for our token`: the same, but a client's token may cause it: a failure for a token of ours counts at any time
   * - `until confirmed`: it does not end by itself, but a client's token may cause it: once a request has been answered, only
   *   a failure for a token of ours counts
   */
  readonly counts: 'at once' | 'from the start' | 'or for our token' | 'until confirmed';
}

/** Beginnings of the codes by which TLS and name lookup fail for good. */
const CONNECTIONS_THAT_NEVER_WORK =
  /^(?:ENOTFOUND|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_TLS_CERT_|ERR_SSL_WRONG_VERSION_NUMBER)/;

/** The first that fits. Mistakes in the metadata themselves are told by `discovery.ts`, which sees them in the background too. */
const SUSPICIONS: readonly Suspicion[] = [
  { code: 'client_rejected', detail: /^/, alarm: 'CLIENT_REJECTED', counts: 'until confirmed' },
  {
    code: 'bad_response',
    detail: /^(?:media type|redirect|not JSON|HTTP (?:3\d\d|404|405))$/,
    alarm: 'NOT_AN_ENDPOINT',
    counts: 'until confirmed',
  },
  { code: 'bad_response', detail: /^malformed HTTP/, alarm: 'NOT_AN_ENDPOINT', counts: 'or for our token' },
  { code: 'bad_response', detail: /^signed reply/, alarm: 'SIGNED_REPLY_REJECTED', counts: 'or for our token' },
  { code: 'unreachable', detail: /^HTTP/, alarm: 'NOT_FROM_THE_ENDPOINT', counts: 'or for our token' },
  { code: 'unreachable', detail: CONNECTIONS_THAT_NEVER_WORK, alarm: 'UNREACHABLE', counts: 'at once' },
  { code: 'unreachable', detail: /^/, alarm: 'UNREACHABLE', counts: 'from the start' },
  { code: 'timeout', detail: /^/, alarm: 'UNREACHABLE', counts: 'from the start' },
  { code: 'discovery_failed', detail: CONNECTIONS_THAT_NEVER_WORK, alarm: 'DISCOVERY_FAILED', counts: 'at once' },
  {
    code: 'discovery_failed',
    detail: /^(?:redirect|media type|not JSON|not metadata|content coding|too large|HTTP [34](?!29))/,
    alarm: 'DISCOVERY_FAILED',
    counts: 'at once',
  },
  {
    code: 'discovery_failed',
    detail: /^(?!another issuer|no introspection_endpoint|introspection_endpoint)/,
    alarm: 'DISCOVERY_FAILED',
    counts: 'from the start',
  },
];

/** @param askAboutOurToken asks about a random token of ours; its failure is told to `aboutFailure`, too */
export function createConfigurationWarnings(
  methods: readonly string[] | undefined,
  askAboutOurToken: () => Promise<unknown>,
): ConfigurationWarnings {
  const alarms = new Map<Misconfiguration['code'], ReturnType<typeof createWarning>>();
  let wasAnyActive = false;
  let wasAnswered = false;
  let failures = 0;
  let failuresInARow = 0;

  function alarmOf(code: Misconfiguration['code']): ReturnType<typeof createWarning> {
    const known = alarms.get(code);
    if (known !== undefined) return known;
    const alarm = createWarning(code);
    alarms.set(code, alarm);
    return alarm;
  }

  return {
    about({ active }) {
      wasAnswered = true;
      failuresInARow = 0;
      if (active) wasAnyActive = true;
    },
    aboutFailure(error, isOurToken) {
      if (!(error instanceof IntrospectionError)) return;
      const { code, detail = '' } = error;
      const found = SUSPICIONS.find((suspicion) => suspicion.code === code && suspicion.detail.test(detail));
      if (found === undefined) return;
      const { counts } = found;
      const isCertain =
        counts === 'at once' ||
        (counts !== 'from the start' && isOurToken) ||
        (counts === 'until confirmed' && !wasAnswered);
      if (!isCertain && wasAnswered) {
        if (counts !== 'from the start' && ++failuresInARow % FAILURES_TO_CONFIRM === 0) {
          askAboutOurToken().catch(() => {});
        }
        return;
      }
      if (!isCertain && ++failures < FAILURES) return;
      alarmOf(found.alarm)(`${PREAMBLE} ${remedyFor(code, detail)}`, error.detail ?? code);
    },
    aboutMethods(advertised) {
      if (supportsMethod(advertised, methods)) return;
      alarmOf('METHOD_NOT_ADVERTISED')(
        'The metadata of the authorization server do not name the configured "clientAuth" ' +
          `(${methods?.join(' or ')}) among the methods that its introspection endpoint takes.`,
      );
    },
    wasAnyActive: () => wasAnyActive,
  };
}

const PREAMBLE = 'The introspection endpoint cannot be asked, and requests are answered 503.';
