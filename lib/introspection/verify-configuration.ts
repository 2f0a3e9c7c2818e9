import { expiryWarning } from '../client-auth/certificate-expiry.js';
import type { ClientAuth } from '../core/client-auth.js';
import type { Clock } from '../core/clock.js';
import { remedyForUrl } from '../core/endpoint-url.js';
import { IntrospectionError, type IntrospectionErrorCode } from '../core/errors.js';
import { withTimeout } from '../core/timeout.js';
import { remedyFor } from '../diagnostics/remedies.js';
import type { IntrospectionClient } from './client.js';
import { withoutQuery } from './http.js';
import { supportsMethod } from './server-location.js';

/** Result of one introspection request about a random token. A member is `undefined` if its value could not be found out. */
export interface ConfigurationReport {
  /** Whether tokens can be verified with this configuration. */
  readonly ok: boolean;
  /** URL of the endpoint, without its query. */
  readonly endpoint: string | undefined;
  /** Whether the endpoint responded. */
  readonly reachable: boolean | undefined;
  /**
   * Whether the endpoint accepted the client authentication. The value may be `true` although the credentials are wrong, because a few
   * endpoints respond `active: false` to wrong credentials.
   */
  readonly credentialsAccepted: boolean | undefined;
  /** Whether the response was a valid introspection response, and was signed if `jwtResponse` requires a signature. */
  readonly wellFormed: boolean | undefined;
  /** Milliseconds from the start of the introspection request to its verified response. The time of a retry is included. */
  readonly latencyMs: number | undefined;
  /**
   * Client authentication methods that the metadata of the `authorizationServer` list; `undefined` with the option `endpoint`, or if the
   * metadata list none.
   */
  readonly methodsSupported: readonly string[] | undefined;
  /** The problem because of which tokens cannot be verified; `undefined` when tokens can be verified. */
  readonly problem: ConfigurationProblem | undefined;
  /** Sentences about possible mistakes that do not prevent verification. */
  readonly warnings: readonly string[];
}

/** A mistake or an outage that prevents the verification of tokens. */
export interface ConfigurationProblem {
  /** Code of the `IntrospectionError`, or `accepts_any_token` if the endpoint said that a random token is active. */
  readonly code: IntrospectionErrorCode | 'accepts_any_token';
  /** Detail of the error, which holds no secret, such as `HTTP 401`. */
  readonly detail: string | undefined;
  /** How to correct the problem. */
  readonly remedy: string;
}

type Findings = Pick<ConfigurationReport, 'reachable' | 'credentialsAccepted' | 'wellFormed'>;

const MATERIAL_TIMEOUT_MS = 1000;

const UNKNOWN: Findings = { reachable: undefined, credentialsAccepted: undefined, wellFormed: undefined };
const ALL_GOOD: Findings = { reachable: true, credentialsAccepted: true, wellFormed: true };

const FINDINGS: Readonly<Record<IntrospectionErrorCode, Partial<Findings>>> = {
  timeout: { reachable: false },
  unreachable: { reachable: false },
  server_error: { reachable: true },
  rate_limited: { reachable: true },
  bad_response: { reachable: true, wellFormed: false },
  client_rejected: { reachable: true, credentialsAccepted: false },
  credentials_unavailable: {},
  discovery_failed: {},
  replay_store_failed: {},
  claims_schema_failed: {},
  precheck_failed: {},
  circuit_open: {},
  overloaded: {},
  closed: {},
};

/**
 * Asks the endpoint about a token that nobody issued, without any cache, and reports what the response shows. A wrong configuration throws
 * no error: the report describes the problem.
 */
export async function verifyConfiguration(
  client: IntrospectionClient,
  clientAuth: ClientAuth,
  clock: Clock,
): Promise<ConfigurationReport> {
  const facts: { endpoint?: string; methodsSupported?: readonly string[] | undefined } = {};
  const warnings: string[] = await certificateWarnings(clientAuth);
  const report = (
    findings: Partial<Findings>,
    problem: ConfigurationProblem | undefined,
    latencyMs?: number,
  ): ConfigurationReport => ({
    ok: problem === undefined,
    endpoint: facts.endpoint,
    ...UNKNOWN,
    ...findings,
    latencyMs,
    methodsSupported: facts.methodsSupported,
    problem,
    warnings,
  });

  try {
    const server = await client.server();
    facts.endpoint = withoutQuery(server.endpoint);
    facts.methodsSupported = server.authMethods;
    if (remedyForUrl(new URL(server.endpoint.href), false) !== undefined) {
      warnings.push(
        'Tokens and credentials are sent unencrypted, because the endpoint is an http: URL on another host.',
      );
    }
    if (!supportsMethod(server.authMethods, clientAuth.methods)) {
      warnings.push(
        `The metadata do not list ${clientAuth.methods?.join(' or ')} among the methods that the endpoint accepts.`,
      );
    }
    const startedAt = clock.monotonic();
    const { active } = await client.probe();
    const latencyMs = clock.monotonic() - startedAt;
    if (!active) return report(ALL_GOOD, undefined, latencyMs);
    const remedy = 'The endpoint called a random token active. It does not check tokens, so do not rely on it.';
    return report(ALL_GOOD, { code: 'accepts_any_token', detail: undefined, remedy }, latencyMs);
  } catch (error) {
    if (!(error instanceof IntrospectionError)) throw error;
    const { code, detail } = error;
    return report(FINDINGS[code], { code, detail, remedy: remedyFor(code, detail) });
  }
}

/**
 * Resolves to a list with a warning if the client certificate expires soon or has expired, otherwise to an empty list. The list is also
 * empty if the certificate cannot be read, because the connection reports that failure.
 */
async function certificateWarnings({ connect }: ClientAuth): Promise<string[]> {
  try {
    const material =
      typeof connect === 'function' ? await withTimeout(async () => connect(), MATERIAL_TIMEOUT_MS) : connect;
    const warning = expiryWarning(material?.cert, Date.now());
    return warning === undefined ? [] : [warning];
  } catch {
    return [];
  }
}
