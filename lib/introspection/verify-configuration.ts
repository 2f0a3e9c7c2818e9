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

/** What asking about a random token taught. What could not be known is `undefined`. */
export interface ConfigurationReport {
  /** Whether tokens can be judged. */
  readonly ok: boolean;
  /** Where was asked, without its query. */
  readonly endpoint: string | undefined;
  /** Whether an answer came. */
  readonly reachable: boolean | undefined;
  /** Whether the endpoint took the client authentication. A few say `active: false` instead of refusing it. */
  readonly credentialsAccepted: boolean | undefined;
  /** Whether the reply was an introspection response, signed as demanded where that was demanded. */
  readonly wellFormed: boolean | undefined;
  /** From the tokenKey to the judgement, in milliseconds. */
  readonly latencyMs: number | undefined;
  /** Methods of client authentication that the metadata of an `authorizationServer` advertise. */
  readonly methodsSupported: readonly string[] | undefined;
  /** Why tokens cannot be judged; `undefined` where they can. */
  readonly problem: ConfigurationProblem | undefined;
  /** What may be wrong though tokens can be judged, in sentences. */
  readonly warnings: readonly string[];
}

/** What is wrong. */
export interface ConfigurationProblem {
  /** The outage that every request would be; `accepts_any_token`: the endpoint called a random token active. */
  readonly code: IntrospectionErrorCode | 'accepts_any_token';
  /** What is safe to tell, such as `HTTP 401`. */
  readonly detail: string | undefined;
  /** What to do about it. */
  readonly remedy: string;
}

type Findings = Pick<ConfigurationReport, 'reachable' | 'credentialsAccepted' | 'wellFormed'>;

const MATERIAL_TIMEOUT_MS = 1000;

const UNKNOWN: Findings = { reachable: undefined, credentialsAccepted: undefined, wellFormed: undefined };
const ANSWERED: Findings = { reachable: true, credentialsAccepted: true, wellFormed: true };

const LEARNED: Readonly<Record<IntrospectionErrorCode, Partial<Findings>>> = {
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
  circuit_open: {},
  overloaded: {},
  closed: {},
};

/** Asks about a token that nobody issued, past every cache. It never throws for what is wrong: that is the report. */
export async function verifyConfiguration(
  client: IntrospectionClient,
  clientAuth: ClientAuth,
  clock: Clock,
): Promise<ConfigurationReport> {
  const facts: { endpoint?: string; methodsSupported?: readonly string[] | undefined } = {};
  const warnings: string[] = await certificateWarnings(clientAuth);
  const report = (
    learned: Partial<Findings>,
    problem: ConfigurationProblem | undefined,
    latencyMs?: number,
  ): ConfigurationReport => ({
    ok: problem === undefined,
    endpoint: facts.endpoint,
    ...UNKNOWN,
    ...learned,
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
      warnings.push('Tokens and credentials travel in the clear: the endpoint is an http: URL on another host.');
    }
    if (!supportsMethod(server.authMethods, clientAuth.methods)) {
      warnings.push(
        `The metadata do not name ${clientAuth.methods?.join(' or ')} among the methods the endpoint takes.`,
      );
    }
    const asked = clock.monotonic();
    const { active } = await client.probe();
    const latencyMs = clock.monotonic() - asked;
    if (!active) return report(ANSWERED, undefined, latencyMs);
    const remedy = 'The endpoint calls a random token active. It does not check tokens: do not rely on it.';
    return report(ANSWERED, { code: 'accepts_any_token', detail: undefined, remedy }, latencyMs);
  } catch (error) {
    if (!(error instanceof IntrospectionError)) throw error;
    const { code, detail } = error;
    return report(LEARNED[code], { code, detail, remedy: remedyFor(code, detail) });
  }
}

/** What a connection would present. Failures are left to the connection. */
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
