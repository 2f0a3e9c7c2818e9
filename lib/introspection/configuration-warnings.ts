import { IntrospectionError, type IntrospectionErrorCode } from '../core/errors.js';
import type { TokenRecord } from '../core/lookup.js';
import type { Misconfiguration } from '../diagnostics/channels.js';
import { createWarning } from '../diagnostics/misconfiguration.js';
import { remedyFor } from '../diagnostics/remedies.js';
import { supportsMethod } from './server-location.js';

/**
 * Warns of configuration mistakes, which only an operator can correct. It finds the mistakes in the responses and failures of the endpoint.
 */
export interface ConfigurationWarnings {
  about(record: TokenRecord): void;
  /** @param isOurToken the request was about a random token that this process created, so no client can have caused the failure */
  aboutFailure(error: unknown, isOurToken: boolean): void;
  aboutMethods(advertised: readonly string[] | undefined): void;
  /** Whether at least one response of the endpoint so far said that the token is active. */
  wasAnyActive(): boolean;
}

/**
 * This many failures before the first response cause a warning. If `FailurePattern.counts` says so, the first failure already causes it.
 */
const FAILURES = 3;

/**
 * Tokens of clients may cause some kinds of failure. Each time this many such failures happen in a row, a request about a random token of
 * this process shows whether the endpoint fails for every token.
 */
const FAILURES_TO_CONFIRM = 5;

interface FailurePattern {
  readonly code: IntrospectionErrorCode;
  readonly detail: RegExp;
  readonly alarm: Misconfiguration['code'];
  /**
   * When a failure of this kind causes a warning:
   *
   * - `at once`: always, from the first failure on. No token can cause such a failure, and the failure does not end by itself
   * - `before first response`: from the third failure on, and only before the first response. Such a failure may end by itself
   * - `or for our token`: like `before first response`, and also at any time if the request was about a random token of this process. A
   *   client's token may cause such a failure
   * - `unless a token caused it`: before the first response, from the first failure on. After the first response, only if the request was
   *   about a random token of this process. Such a failure does not end by itself, but a client's token may cause it
   */
  readonly counts: 'at once' | 'before first response' | 'or for our token' | 'unless a token caused it';
}

/** Codes of TLS and DNS failures that do not end by themselves, matched by their beginnings. */
const CONNECTIONS_THAT_NEVER_WORK =
  /^(?:ENOTFOUND|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_TLS_CERT_|ERR_SSL_WRONG_VERSION_NUMBER)/;

/**
 * Failures that may cause a warning. The first matching pattern applies. Mistakes in the metadata are not listed here: `server-metadata.ts`
 * warns of these mistakes, because it also finds them while it refreshes metadata in the background.
 */
const PATTERNS: readonly FailurePattern[] = [
  { code: 'client_rejected', detail: /^/, alarm: 'CLIENT_REJECTED', counts: 'unless a token caused it' },
  {
    code: 'bad_response',
    detail: /^(?:media type|redirect|not JSON|HTTP (?:3\d\d|404|405))$/,
    alarm: 'NOT_AN_ENDPOINT',
    counts: 'unless a token caused it',
  },
  { code: 'bad_response', detail: /^malformed HTTP/, alarm: 'NOT_AN_ENDPOINT', counts: 'or for our token' },
  { code: 'bad_response', detail: /^signed reply/, alarm: 'SIGNED_REPLY_REJECTED', counts: 'or for our token' },
  { code: 'unreachable', detail: /^HTTP/, alarm: 'NOT_FROM_THE_ENDPOINT', counts: 'or for our token' },
  { code: 'unreachable', detail: CONNECTIONS_THAT_NEVER_WORK, alarm: 'UNREACHABLE', counts: 'at once' },
  { code: 'unreachable', detail: /^/, alarm: 'UNREACHABLE', counts: 'before first response' },
  { code: 'timeout', detail: /^/, alarm: 'UNREACHABLE', counts: 'before first response' },
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
    counts: 'before first response',
  },
];

/** @param askAboutOurToken asks the endpoint about a random token of this process, and passes a failure to `aboutFailure` */
export function createConfigurationWarnings(
  methods: readonly string[] | undefined,
  askAboutOurToken: () => Promise<unknown>,
): ConfigurationWarnings {
  const warnings = new Map<Misconfiguration['code'], ReturnType<typeof createWarning>>();
  let wasAnyActive = false;
  let hadResponse = false;
  let failures = 0;
  let failuresInARow = 0;

  function warningFor(code: Misconfiguration['code']): ReturnType<typeof createWarning> {
    const known = warnings.get(code);
    if (known !== undefined) return known;
    const alarm = createWarning(code);
    warnings.set(code, alarm);
    return alarm;
  }

  return {
    about({ active }) {
      hadResponse = true;
      failuresInARow = 0;
      if (active) wasAnyActive = true;
    },
    aboutFailure(error, isOurToken) {
      if (!(error instanceof IntrospectionError)) return;
      const { code, detail = '' } = error;
      const pattern = PATTERNS.find((candidate) => candidate.code === code && candidate.detail.test(detail));
      if (pattern === undefined) return;
      const { counts } = pattern;
      const isCertain =
        counts === 'at once' ||
        (counts !== 'before first response' && isOurToken) ||
        (counts === 'unless a token caused it' && !hadResponse);
      if (!isCertain && hadResponse) {
        if (counts !== 'before first response' && ++failuresInARow % FAILURES_TO_CONFIRM === 0) {
          askAboutOurToken().catch(() => {});
        }
        return;
      }
      if (!isCertain && ++failures < FAILURES) return;
      warningFor(pattern.alarm)(`${PREAMBLE} ${remedyFor(code, detail)}`, error.detail ?? code);
    },
    aboutMethods(advertised) {
      if (supportsMethod(advertised, methods)) return;
      warningFor('METHOD_NOT_ADVERTISED')(
        'The metadata of the authorization server do not list the configured "clientAuth" ' +
          `(${methods?.join(' or ')}) among the methods that its introspection endpoint accepts.`,
      );
    },
    wasAnyActive: () => wasAnyActive,
  };
}

const PREAMBLE = 'The introspection endpoint cannot be used, so requests get 503.';
